#include "models/families.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

constexpr WeightRule kHuggingFaceRules[] = {
    {"layers.{}.up.weight", "model.layers.{}.mlp.c_fc.weight"},
    {"layers.{}.up.bias", "model.layers.{}.mlp.c_fc.bias"},
    {"layers.{}.down.weight", "model.layers.{}.mlp.c_proj.weight"},
    {"layers.{}.down.bias", "model.layers.{}.mlp.c_proj.bias"},
};

void set_family(DecoderConfig& config) {
  config.norm = NormKind::kLayer;
  config.gated_mlp = false;
  config.activation = Activation::kGeluTanh;
  config.qkv_bias = config.output_bias = config.mlp_bias = true;
}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  const bool bias = metadata.get_bool("use_bias", true);
  config.qkv_bias = config.output_bias = config.mlp_bias = bias;
  read_window(metadata, config, true, always_local, 0);
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("use_bias", config.mlp_bias);
  write_window(config, metadata);
}

}  // namespace

const Architecture kStarcoder2Architecture = {
    .name = "starcoder2",
    .gguf_name = "starcoder2",
    .model_type = "starcoder2",
    .hugging_face_class = "Starcoder2ForCausalLM",
    .hugging_face_rules = kHuggingFaceRules,
    .keys = {.norm_epsilon = "norm_epsilon",
             .default_kv_heads = 2,
             .default_norm_epsilon = 1e-5,
             .default_max_positions = 4096,
             .default_activation = "gelu_pytorch_tanh",
             .default_tied_head = true},
    .set_family = set_family,
    .read_hugging_face = read_hugging_face,
    .write_hugging_face = write_hugging_face,
};

}  // namespace onmal

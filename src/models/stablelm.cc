#include "models/families.h"
#include "models/gguf_config.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

constexpr WeightRule kHuggingFaceRules[] = {
    {"layers.{}.query_norm.weight", "model.layers.{}.self_attn.q_layernorm.norms.{#}.weight"},
    {"layers.{}.key_norm.weight", "model.layers.{}.self_attn.k_layernorm.norms.{#}.weight"},
};

void set_family(DecoderConfig& config) { config.norm = NormKind::kLayer; }

void set_shape(DecoderConfig& config, bool parallel, bool qk_norm) {
  config.parallel_residual = config.shared_norm = parallel;
  config.qk_norm = qk_norm ? QkNorm::kOwnHead : QkNorm::kNone;
}

// llama.cpp goes by the tensors, not by the key.
void read_gguf(const Metadata&, FindTensor find, DecoderConfig& config) {
  set_shape(config, !find("blk.0.ffn_norm.weight").defined(),
            find("blk.0.attn_q_norm.weight").defined());
}

void write_gguf(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("stablelm.use_parallel_residual", config.parallel_residual);
}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  config.qkv_bias = metadata.get_bool("use_qkv_bias", false);
  set_shape(config, metadata.get_bool("use_parallel_residual", false),
            metadata.get_bool("qk_layernorm", false));
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("use_qkv_bias", config.qkv_bias);
  metadata.set("use_parallel_residual", config.parallel_residual);
  metadata.set("qk_layernorm", config.qk_norm != QkNorm::kNone);
}

}  // namespace

const Architecture kStablelmArchitecture = {
    .name = "stablelm",
    .gguf_name = "stablelm",
    .model_type = "stablelm",
    .hugging_face_class = "StableLmForCausalLM",
    .hugging_face_rules = kHuggingFaceRules,
    .keys = {.norm_epsilon = "layer_norm_eps",
             .default_norm_epsilon = 1e-5,
             .default_rotary_share = 0.25,
             .default_max_positions = 4096},
    .gguf_needs_head = true,
    .set_family = set_family,
    .read_gguf = read_gguf,
    .write_gguf = write_gguf,
    .read_hugging_face = read_hugging_face,
    .write_hugging_face = write_hugging_face,
};

}  // namespace onmal

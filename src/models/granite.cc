#include "models/families.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

void set_family(DecoderConfig&) {}

// Both formats store what logits are divided by.
float inverse(const Metadata& metadata, std::string_view key, double divisor) {
  if (!(divisor > 0.0)) refuse_key(metadata, key, "must be positive");
  return static_cast<float>(1.0 / divisor);
}

void read_gguf(const Metadata& metadata, FindTensor, DecoderConfig& config) {
  config.embedding_scale = read_single(metadata, "granite.embedding_scale", 1.0);
  config.residual_scale = read_single(metadata, "granite.residual_scale", 1.0);
  config.logit_scale =
      inverse(metadata, "granite.logit_scale", metadata.get_float("granite.logit_scale", 1.0));
}

void write_gguf(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("granite.embedding_scale", static_cast<double>(config.embedding_scale));
  metadata.set("granite.residual_scale", static_cast<double>(config.residual_scale));
  metadata.set("granite.logit_scale", 1.0 / static_cast<double>(config.logit_scale));
}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  read_attention_bias(metadata, config);
  config.mlp_bias = metadata.get_bool("mlp_bias", false);
  config.embedding_scale = read_single(metadata, "embedding_multiplier", 1.0);
  config.residual_scale = read_single(metadata, "residual_multiplier", 1.0);
  config.attention_scale = read_single(metadata, "attention_multiplier", 1.0);
  config.logit_scale =
      inverse(metadata, "logits_scaling", metadata.get_float("logits_scaling", 1.0));
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("attention_bias", config.qkv_bias);
  metadata.set("mlp_bias", config.mlp_bias);
  metadata.set("embedding_multiplier", static_cast<double>(config.embedding_scale));
  metadata.set("residual_multiplier", static_cast<double>(config.residual_scale));
  metadata.set("attention_multiplier", static_cast<double>(config.attention_scale));
  metadata.set("logits_scaling", 1.0 / static_cast<double>(config.logit_scale));
}

}  // namespace

const Architecture kGraniteArchitecture = {
    .name = "granite",
    .gguf_name = "granite",
    .model_type = "granite",
    .hugging_face_class = "GraniteForCausalLM",
    .gguf_rope_style = RopeStyle::kInterleaved,
    .set_family = set_family,
    .read_gguf = read_gguf,
    .write_gguf = write_gguf,
    .read_hugging_face = read_hugging_face,
    .write_hugging_face = write_hugging_face,
};

}  // namespace onmal

#include "models/families.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

void set_family(DecoderConfig& config) {
  config.norm_placement = NormPlacement::kAfter;
  config.qk_norm = QkNorm::kWhole;
}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  read_attention_bias(metadata, config);
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("attention_bias", config.qkv_bias);
}

}  // namespace

const Architecture kOlmo2Architecture = {
    .name = "olmo2",
    .gguf_name = "olmo2",
    .model_type = "olmo2",
    .hugging_face_class = "Olmo2ForCausalLM",
    .keys = {.default_norm_epsilon = 1e-5},
    .gguf_needs_head = true,
    .set_family = set_family,
    .read_hugging_face = read_hugging_face,
    .write_hugging_face = write_hugging_face,
};

}  // namespace onmal

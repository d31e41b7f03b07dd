#include "models/families.h"
#include "models/gguf_config.h"
#include "models/hugging_face_config.h"

// OLMo 2, and OLMo 3, which is that with windows in three of four layers. llama.cpp calls both
// "olmo2".
namespace onmal {
namespace {

constexpr int64_t kPeriod = 4;

void set_family(DecoderConfig& config) {
  config.norm_placement = NormPlacement::kAfter;
  config.qk_norm = QkNorm::kWhole;
}

// Scaled rotations are for layers that see everything.
void settle_rotation(DecoderConfig& config) {
  if (config.window > 0 && !config.local_rope_theta) config.local_rope_theta = config.rope_theta;
}

void read_gguf(const Metadata& metadata, FindTensor, DecoderConfig& config) {
  if (config.window == 0) return;
  config.architecture = kOlmo3Architecture.name;
  if (!metadata.contains("olmo2.attention.sliding_window_pattern"))
    config.local_layers = periodic_layers(config.layers, kPeriod);
  settle_rotation(config);
}

void read_olmo2(const Metadata& metadata, DecoderConfig& config) {
  read_attention_bias(metadata, config);
}

void read_olmo3(const Metadata& metadata, DecoderConfig& config) {
  read_attention_bias(metadata, config);
  read_window(metadata, config, true, local_but_last_of_period, kPeriod);
  settle_rotation(config);
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("attention_bias", config.qkv_bias);
  write_window(config, metadata);
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
    .read_gguf = read_gguf,
    .read_hugging_face = read_olmo2,
    .write_hugging_face = write_hugging_face,
};

const Architecture kOlmo3Architecture = {
    .name = "olmo3",
    .gguf_name = "olmo2",
    .model_type = "olmo3",
    .hugging_face_class = "Olmo3ForCausalLM",
    .keys = {.default_norm_epsilon = 1e-5},
    .gguf_needs_head = true,
    .set_family = set_family,
    .read_hugging_face = read_olmo3,
    .write_hugging_face = write_hugging_face,
};

}  // namespace onmal

#include "models/families.h"
#include "models/hugging_face_config.h"

// Llama and the families that are Llama with a window or with experts. llama.cpp calls all of them
// "llama".
namespace onmal {
namespace {

constexpr WeightRule kMixtralRules[] = {
    {"layers.{}.router.weight", "model.layers.{}.block_sparse_moe.gate.weight"},
    {"layers.{}.experts_gate.weight", "model.layers.{}.block_sparse_moe.experts.{#}.w1.weight"},
    {"layers.{}.experts_up.weight", "model.layers.{}.block_sparse_moe.experts.{#}.w3.weight"},
    {"layers.{}.experts_down.weight", "model.layers.{}.block_sparse_moe.experts.{#}.w2.weight"},
};

void set_llama(DecoderConfig&) {}

// Which of the three a GGUF file holds shows in its keys alone.
void read_gguf(const Metadata&, FindTensor, DecoderConfig& config) {
  if (config.window > 0) config.architecture = kMistralArchitecture.name;
  if (config.experts.count > 0) config.architecture = kMixtralArchitecture.name;
}

void read_llama(const Metadata& metadata, DecoderConfig& config) {
  read_attention_bias(metadata, config);
  config.mlp_bias = metadata.get_bool("mlp_bias", false);
}

void write_llama(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("attention_bias", config.qkv_bias);
  metadata.set("mlp_bias", config.mlp_bias);
}

void read_mistral(const Metadata& metadata, DecoderConfig& config) {
  read_window(metadata, config, true, always_local, 0);
}

void read_mixtral(const Metadata& metadata, DecoderConfig& config) {
  read_mistral(metadata, config);
  if (config.experts.count == 0) refuse_key(metadata, "num_local_experts", "is missing");
}

void write_mixtral(const DecoderConfig& config, Metadata& metadata) {
  write_window(config, metadata);
  metadata.set("num_local_experts", config.experts.count);
  metadata.set("num_experts_per_tok", config.experts.per_token);
}

}  // namespace

// Llama's GGUF files keep query and key rows in the interleaved order of the original code.
const Architecture kLlamaArchitecture = {
    .name = "llama",
    .gguf_name = "llama",
    .model_type = "llama",
    .hugging_face_class = "LlamaForCausalLM",
    .gguf_rope_style = RopeStyle::kInterleaved,
    .set_family = set_llama,
    .read_gguf = read_gguf,
    .read_hugging_face = read_llama,
    .write_hugging_face = write_llama,
};

const Architecture kMistralArchitecture = {
    .name = "mistral",
    .gguf_name = "llama",
    .model_type = "mistral",
    .hugging_face_class = "MistralForCausalLM",
    .keys = {.default_kv_heads = 8, .default_max_positions = 131072},
    .gguf_rope_style = RopeStyle::kInterleaved,
    .set_family = set_llama,
    .read_hugging_face = read_mistral,
    .write_hugging_face = write_window,
};

const Architecture kMixtralArchitecture = {
    .name = "mixtral",
    .gguf_name = "llama",
    .model_type = "mixtral",
    .hugging_face_class = "MixtralForCausalLM",
    .hugging_face_rules = kMixtralRules,
    .keys = {.default_kv_heads = 8,
             .default_norm_epsilon = 1e-5,
             .default_rope_theta = 1e6,
             .default_max_positions = 131072},
    .gguf_rope_style = RopeStyle::kInterleaved,
    .set_family = set_llama,
    .read_hugging_face = read_mixtral,
    .write_hugging_face = write_mixtral,
};

}  // namespace onmal

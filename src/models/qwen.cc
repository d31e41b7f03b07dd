#include <algorithm>

#include "models/families.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

void set_qwen2(DecoderConfig& config) { config.qkv_bias = true; }

void set_qwen3(DecoderConfig& config) { config.qk_norm = QkNorm::kHead; }

void set_qwen2_moe(DecoderConfig& config) {
  set_qwen2(config);
  config.experts.normalize = false;
}

bool local_from(int64_t layer, int64_t first) { return layer >= first; }

// The window is off unless asked for, and then only in the layers behind the first.
void read_late_window(const Metadata& metadata, DecoderConfig& config) {
  read_window(metadata, config, metadata.get_bool("use_sliding_window", false), local_from,
              metadata.get_int("max_window_layers", 28));
}

void write_late_window(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("use_sliding_window", config.window > 0);
  write_window(config, metadata);
  if (config.window == 0) return;
  int64_t first = 0;
  while (first < config.layers && !config.is_local(first)) ++first;
  metadata.set("max_window_layers", first);
}

void read_qwen3(const Metadata& metadata, DecoderConfig& config) {
  read_attention_bias(metadata, config);
  read_late_window(metadata, config);
}

void write_qwen3(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("attention_bias", config.qkv_bias);
  write_late_window(config, metadata);
}

// Every decoder_sparse_step-th layer has experts, but for those in mlp_only_layers.
void read_sparse_layers(const Metadata& metadata, DecoderConfig& config) {
  if (config.experts.count == 0) refuse_key(metadata, "num_experts", "is missing");
  if (config.layers < 1 || config.layers > 4096) return;
  const int64_t step = metadata.get_int("decoder_sparse_step", 1);
  if (step < 1) refuse_key(metadata, "decoder_sparse_step", "must be positive");
  std::vector<bool> sparse(static_cast<size_t>(config.layers));
  for (size_t i = 0; i < sparse.size(); ++i) sparse[i] = (static_cast<int64_t>(i) + 1) % step == 0;
  if (metadata.contains("mlp_only_layers")) {
    for (const int64_t layer : metadata.get_ints("mlp_only_layers")) {
      if (layer >= 0 && layer < config.layers) sparse[static_cast<size_t>(layer)] = false;
    }
  }
  if (std::find(sparse.begin(), sparse.end(), false) != sparse.end())
    config.experts.in_layers = sparse;
}

void write_experts(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("num_experts", config.experts.count);
  metadata.set("num_experts_per_tok", config.experts.per_token);
  metadata.set("moe_intermediate_size", config.experts.ffn_dim);
  metadata.set("norm_topk_prob", config.experts.normalize);
  metadata.set("decoder_sparse_step", int64_t{1});
  std::vector<int64_t> dense;
  for (int64_t i = 0; i < config.layers; ++i) {
    if (!config.has_experts(i)) dense.push_back(i);
  }
  metadata.set("mlp_only_layers", dense);
}

void read_qwen2_moe(const Metadata& metadata, DecoderConfig& config) {
  config.qkv_bias = metadata.get_bool("qkv_bias", true);
  read_sparse_layers(metadata, config);
  config.experts.shared_ffn_dim = metadata.get_int("shared_expert_intermediate_size", 5632);
  config.experts.normalize = metadata.get_bool("norm_topk_prob", false);
  read_late_window(metadata, config);
}

void write_qwen2_moe(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("qkv_bias", config.qkv_bias);
  write_experts(config, metadata);
  metadata.set("shared_expert_intermediate_size", config.experts.shared_ffn_dim);
  write_late_window(config, metadata);
}

void read_qwen3_moe(const Metadata& metadata, DecoderConfig& config) {
  read_attention_bias(metadata, config);
  read_sparse_layers(metadata, config);
  config.experts.normalize = metadata.get_bool("norm_topk_prob", false);
  read_window(metadata, config, metadata.get_bool("use_sliding_window", false), always_local, 0);
}

void write_qwen3_moe(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("attention_bias", config.qkv_bias);
  metadata.set("use_sliding_window", config.window > 0);
  write_experts(config, metadata);
  write_window(config, metadata);
}

}  // namespace

const Architecture kQwen2Architecture = {
    .name = "qwen2",
    .gguf_name = "qwen2",
    .model_type = "qwen2",
    .hugging_face_class = "Qwen2ForCausalLM",
    .keys = {.default_max_positions = 32768},
    .set_family = set_qwen2,
    .read_hugging_face = read_late_window,
    .write_hugging_face = write_late_window,
};

const Architecture kQwen3Architecture = {
    .name = "qwen3",
    .gguf_name = "qwen3",
    .model_type = "qwen3",
    .hugging_face_class = "Qwen3ForCausalLM",
    .keys = {.default_head_dim = 128, .default_max_positions = 32768},
    .set_family = set_qwen3,
    .read_hugging_face = read_qwen3,
    .write_hugging_face = write_qwen3,
};

const Architecture kQwen2MoeArchitecture = {
    .name = "qwen2moe",
    .gguf_name = "qwen2moe",
    .model_type = "qwen2_moe",
    .hugging_face_class = "Qwen2MoeForCausalLM",
    .keys = {.default_max_positions = 32768},
    .gguf_needs_head = true,
    .set_family = set_qwen2_moe,
    .read_hugging_face = read_qwen2_moe,
    .write_hugging_face = write_qwen2_moe,
};

const Architecture kQwen3MoeArchitecture = {
    .name = "qwen3moe",
    .gguf_name = "qwen3moe",
    .model_type = "qwen3_moe",
    .hugging_face_class = "Qwen3MoeForCausalLM",
    .keys = {.default_kv_heads = 4, .default_max_positions = 32768},
    .set_family = set_qwen3,
    .read_hugging_face = read_qwen3_moe,
    .write_hugging_face = write_qwen3_moe,
};

}  // namespace onmal

#include "models/llama.h"

#include <string>

namespace onmal {
namespace {

constexpr WeightRule kGgufRules[] = {
    {"embedding.weight", "token_embd.weight"},
    {"layers.{}.attention_norm.weight", "blk.{}.attn_norm.weight"},
    {"layers.{}.query.weight", "blk.{}.attn_q.weight"},
    {"layers.{}.query.bias", "blk.{}.attn_q.bias"},
    {"layers.{}.key.weight", "blk.{}.attn_k.weight"},
    {"layers.{}.key.bias", "blk.{}.attn_k.bias"},
    {"layers.{}.value.weight", "blk.{}.attn_v.weight"},
    {"layers.{}.value.bias", "blk.{}.attn_v.bias"},
    {"layers.{}.output.weight", "blk.{}.attn_output.weight"},
    {"layers.{}.query_norm.weight", "blk.{}.attn_q_norm.weight"},
    {"layers.{}.key_norm.weight", "blk.{}.attn_k_norm.weight"},
    {"layers.{}.mlp_norm.weight", "blk.{}.ffn_norm.weight"},
    {"layers.{}.gate.weight", "blk.{}.ffn_gate.weight"},
    {"layers.{}.up.weight", "blk.{}.ffn_up.weight"},
    {"layers.{}.down.weight", "blk.{}.ffn_down.weight"},
    {"final_norm.weight", "output_norm.weight"},
    {"head.weight", "output.weight"},
};

constexpr WeightRule kHuggingFaceRules[] = {
    {"embedding.weight", "model.embed_tokens.weight"},
    {"layers.{}.attention_norm.weight", "model.layers.{}.input_layernorm.weight"},
    {"layers.{}.query.weight", "model.layers.{}.self_attn.q_proj.weight"},
    {"layers.{}.query.bias", "model.layers.{}.self_attn.q_proj.bias"},
    {"layers.{}.key.weight", "model.layers.{}.self_attn.k_proj.weight"},
    {"layers.{}.key.bias", "model.layers.{}.self_attn.k_proj.bias"},
    {"layers.{}.value.weight", "model.layers.{}.self_attn.v_proj.weight"},
    {"layers.{}.value.bias", "model.layers.{}.self_attn.v_proj.bias"},
    {"layers.{}.output.weight", "model.layers.{}.self_attn.o_proj.weight"},
    {"layers.{}.query_norm.weight", "model.layers.{}.self_attn.q_norm.weight"},
    {"layers.{}.key_norm.weight", "model.layers.{}.self_attn.k_norm.weight"},
    {"layers.{}.mlp_norm.weight", "model.layers.{}.post_attention_layernorm.weight"},
    {"layers.{}.gate.weight", "model.layers.{}.mlp.gate_proj.weight"},
    {"layers.{}.up.weight", "model.layers.{}.mlp.up_proj.weight"},
    {"layers.{}.down.weight", "model.layers.{}.mlp.down_proj.weight"},
    {"final_norm.weight", "model.norm.weight"},
    {"head.weight", "lm_head.weight"},
};

void read_gguf(const Metadata& metadata, DecoderConfig& config) {
  const std::string prefix = config.architecture + ".";
  config.dim = metadata.get_int(prefix + "embedding_length");
  config.layers = metadata.get_int(prefix + "block_count");
  config.ffn_dim = metadata.get_int(prefix + "feed_forward_length");
  config.heads = metadata.get_int(prefix + "attention.head_count");
  config.kv_heads = metadata.get_int(prefix + "attention.head_count_kv", config.heads);
  const int64_t even_share = config.heads > 0 ? config.dim / config.heads : 0;
  config.head_dim = metadata.get_int(prefix + "attention.key_length", even_share);
  config.max_positions = metadata.get_int(prefix + "context_length");
  config.norm_epsilon =
      static_cast<float>(metadata.get_float(prefix + "attention.layer_norm_rms_epsilon"));
  config.rope_theta = metadata.get_float(prefix + "rope.freq_base", 10000.0);
  config.qk_norm = config.architecture == kQwen3Architecture.name;
}

void write_gguf(const DecoderConfig& config, Metadata& metadata) {
  const std::string prefix = config.architecture + ".";
  metadata.set(prefix + "context_length", config.max_positions);
  metadata.set(prefix + "embedding_length", config.dim);
  metadata.set(prefix + "block_count", config.layers);
  metadata.set(prefix + "feed_forward_length", config.ffn_dim);
  metadata.set(prefix + "attention.head_count", config.heads);
  metadata.set(prefix + "attention.head_count_kv", config.kv_heads);
  metadata.set(prefix + "attention.key_length", config.head_dim);
  metadata.set(prefix + "attention.value_length", config.head_dim);
  metadata.set(prefix + "attention.layer_norm_rms_epsilon",
               static_cast<double>(config.norm_epsilon));
  metadata.set(prefix + "rope.freq_base", config.rope_theta);
  metadata.set(prefix + "rope.dimension_count", config.head_dim);
  metadata.set(prefix + "vocab_size", config.vocab_size);
}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  config.vocab_size = metadata.get_int("vocab_size");
  config.dim = metadata.get_int("hidden_size");
  config.layers = metadata.get_int("num_hidden_layers");
  config.ffn_dim = metadata.get_int("intermediate_size");
  config.heads = metadata.get_int("num_attention_heads");
  config.kv_heads = metadata.get_int("num_key_value_heads", config.heads);
  const int64_t even_share = config.heads > 0 ? config.dim / config.heads : 0;
  config.head_dim = metadata.get_int("head_dim", even_share);
  config.max_positions = metadata.get_int("max_position_embeddings");
  config.norm_epsilon = static_cast<float>(metadata.get_float("rms_norm_eps"));
  config.rope_theta = metadata.get_float("rope_theta", 10000.0);
  config.tied_head = metadata.get_bool("tie_word_embeddings", false);
  config.qkv_bias = metadata.get_bool("attention_bias", false);
  config.output_bias = config.qkv_bias;
  config.mlp_bias = metadata.get_bool("mlp_bias", false);
  config.qk_norm = config.architecture == kQwen3Architecture.name;
  config.rope_style = RopeStyle::kHalves;
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("vocab_size", config.vocab_size);
  metadata.set("hidden_size", config.dim);
  metadata.set("num_hidden_layers", config.layers);
  metadata.set("intermediate_size", config.ffn_dim);
  metadata.set("num_attention_heads", config.heads);
  metadata.set("num_key_value_heads", config.kv_heads);
  metadata.set("head_dim", config.head_dim);
  metadata.set("max_position_embeddings", config.max_positions);
  metadata.set("rms_norm_eps", static_cast<double>(config.norm_epsilon));
  metadata.set("rope_theta", config.rope_theta);
  metadata.set("tie_word_embeddings", config.tied_head);
  metadata.set("attention_bias", config.qkv_bias);
  metadata.set("mlp_bias", config.mlp_bias);
  metadata.set("hidden_act", std::string("silu"));
}

}  // namespace

// Llama's GGUF files keep query and key rows in the interleaved order of the original code.
const Architecture kLlamaArchitecture = {
    "llama",   "LlamaForCausalLM", kGgufRules,        kHuggingFaceRules,  RopeStyle::kInterleaved,
    read_gguf, write_gguf,         read_hugging_face, write_hugging_face,
};

const Architecture kQwen3Architecture = {
    "qwen3",   "Qwen3ForCausalLM", kGgufRules,        kHuggingFaceRules,  RopeStyle::kHalves,
    read_gguf, write_gguf,         read_hugging_face, write_hugging_face,
};

}  // namespace onmal

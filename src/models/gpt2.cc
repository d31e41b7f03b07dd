#include "models/gpt2.h"

#include <string>

namespace onmal {
namespace {

constexpr WeightRule kGgufRules[] = {
    {"embedding.weight", "token_embd.weight"},
    {"position_embedding.weight", "position_embd.weight"},
    {"layers.{}.attention_norm.weight", "blk.{}.attn_norm.weight"},
    {"layers.{}.attention_norm.bias", "blk.{}.attn_norm.bias"},
    {"layers.{}.query.weight", "blk.{}.attn_qkv.weight", FusedPart::kQuery},
    {"layers.{}.query.bias", "blk.{}.attn_qkv.bias", FusedPart::kQuery},
    {"layers.{}.key.weight", "blk.{}.attn_qkv.weight", FusedPart::kKey},
    {"layers.{}.key.bias", "blk.{}.attn_qkv.bias", FusedPart::kKey},
    {"layers.{}.value.weight", "blk.{}.attn_qkv.weight", FusedPart::kValue},
    {"layers.{}.value.bias", "blk.{}.attn_qkv.bias", FusedPart::kValue},
    {"layers.{}.output.weight", "blk.{}.attn_output.weight"},
    {"layers.{}.output.bias", "blk.{}.attn_output.bias"},
    {"layers.{}.mlp_norm.weight", "blk.{}.ffn_norm.weight"},
    {"layers.{}.mlp_norm.bias", "blk.{}.ffn_norm.bias"},
    {"layers.{}.up.weight", "blk.{}.ffn_up.weight"},
    {"layers.{}.up.bias", "blk.{}.ffn_up.bias"},
    {"layers.{}.down.weight", "blk.{}.ffn_down.weight"},
    {"layers.{}.down.bias", "blk.{}.ffn_down.bias"},
    {"final_norm.weight", "output_norm.weight"},
    {"final_norm.bias", "output_norm.bias"},
    {"head.weight", "output.weight"},
};

constexpr WeightRule kHuggingFaceRules[] = {
    {"embedding.weight", "transformer.wte.weight"},
    {"position_embedding.weight", "transformer.wpe.weight"},
    {"layers.{}.attention_norm.weight", "transformer.h.{}.ln_1.weight"},
    {"layers.{}.attention_norm.bias", "transformer.h.{}.ln_1.bias"},
    {"layers.{}.query.weight", "transformer.h.{}.attn.c_attn.weight", FusedPart::kQuery, true},
    {"layers.{}.query.bias", "transformer.h.{}.attn.c_attn.bias", FusedPart::kQuery},
    {"layers.{}.key.weight", "transformer.h.{}.attn.c_attn.weight", FusedPart::kKey, true},
    {"layers.{}.key.bias", "transformer.h.{}.attn.c_attn.bias", FusedPart::kKey},
    {"layers.{}.value.weight", "transformer.h.{}.attn.c_attn.weight", FusedPart::kValue, true},
    {"layers.{}.value.bias", "transformer.h.{}.attn.c_attn.bias", FusedPart::kValue},
    {"layers.{}.output.weight", "transformer.h.{}.attn.c_proj.weight", FusedPart::kWhole, true},
    {"layers.{}.output.bias", "transformer.h.{}.attn.c_proj.bias"},
    {"layers.{}.mlp_norm.weight", "transformer.h.{}.ln_2.weight"},
    {"layers.{}.mlp_norm.bias", "transformer.h.{}.ln_2.bias"},
    {"layers.{}.up.weight", "transformer.h.{}.mlp.c_fc.weight", FusedPart::kWhole, true},
    {"layers.{}.up.bias", "transformer.h.{}.mlp.c_fc.bias"},
    {"layers.{}.down.weight", "transformer.h.{}.mlp.c_proj.weight", FusedPart::kWhole, true},
    {"layers.{}.down.bias", "transformer.h.{}.mlp.c_proj.bias"},
    {"final_norm.weight", "transformer.ln_f.weight"},
    {"final_norm.bias", "transformer.ln_f.bias"},
    {"head.weight", "lm_head.weight"},
};

// What every GPT-2 has in common.
void set_family(DecoderConfig& config) {
  config.norm = NormKind::kLayer;
  config.position = PositionKind::kLearned;
  config.qkv_bias = true;
  config.output_bias = true;
  config.mlp_bias = true;
  config.gated_mlp = false;
  config.activation = Activation::kGeluTanh;
  config.kv_heads = config.heads;
  config.head_dim = config.heads > 0 ? config.dim / config.heads : 0;
}

void read_gguf(const Metadata& metadata, DecoderConfig& config) {
  config.dim = metadata.get_int("gpt2.embedding_length");
  config.layers = metadata.get_int("gpt2.block_count");
  config.ffn_dim = metadata.get_int("gpt2.feed_forward_length");
  config.heads = metadata.get_int("gpt2.attention.head_count");
  config.max_positions = metadata.get_int("gpt2.context_length");
  config.norm_epsilon = static_cast<float>(metadata.get_float("gpt2.attention.layer_norm_epsilon"));
  set_family(config);
}

void write_gguf(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("gpt2.context_length", config.max_positions);
  metadata.set("gpt2.embedding_length", config.dim);
  metadata.set("gpt2.block_count", config.layers);
  metadata.set("gpt2.feed_forward_length", config.ffn_dim);
  metadata.set("gpt2.attention.head_count", config.heads);
  metadata.set("gpt2.attention.layer_norm_epsilon", static_cast<double>(config.norm_epsilon));
  metadata.set("gpt2.vocab_size", config.vocab_size);
}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  config.vocab_size = metadata.get_int("vocab_size");
  config.dim = metadata.get_int("n_embd");
  config.layers = metadata.get_int("n_layer");
  config.heads = metadata.get_int("n_head");
  config.ffn_dim = metadata.get_int("n_inner", 4 * config.dim);
  config.max_positions = metadata.get_int("n_positions");
  config.norm_epsilon = static_cast<float>(metadata.get_float("layer_norm_epsilon", 1e-5));
  config.tied_head = metadata.get_bool("tie_word_embeddings", true);
  set_family(config);
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("vocab_size", config.vocab_size);
  metadata.set("n_embd", config.dim);
  metadata.set("n_layer", config.layers);
  metadata.set("n_head", config.heads);
  metadata.set("n_inner", config.ffn_dim);
  metadata.set("n_positions", config.max_positions);
  metadata.set("layer_norm_epsilon", static_cast<double>(config.norm_epsilon));
  metadata.set("tie_word_embeddings", config.tied_head);
  metadata.set("activation_function", std::string("gelu_new"));
}

}  // namespace

const Architecture kGpt2Architecture = {
    "gpt2",    "GPT2LMHeadModel", kGgufRules,        kHuggingFaceRules,  RopeStyle::kHalves,
    read_gguf, write_gguf,        read_hugging_face, write_hugging_face,
};

}  // namespace onmal

#include "models/families.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

constexpr WeightRule kGgufRules[] = {
    {"layers.{}.query.weight", "blk.{}.attn_qkv.weight", FusedPart::kQuery},
    {"layers.{}.query.bias", "blk.{}.attn_qkv.bias", FusedPart::kQuery},
    {"layers.{}.key.weight", "blk.{}.attn_qkv.weight", FusedPart::kKey},
    {"layers.{}.key.bias", "blk.{}.attn_qkv.bias", FusedPart::kKey},
    {"layers.{}.value.weight", "blk.{}.attn_qkv.weight", FusedPart::kValue},
    {"layers.{}.value.bias", "blk.{}.attn_qkv.bias", FusedPart::kValue},
};

#define NEOX "gpt_neox.layers.{}."
constexpr WeightRule kHuggingFaceRules[] = {
    {"embedding.weight", "gpt_neox.embed_in.weight"},
    {"layers.{}.attention_norm.weight", NEOX "input_layernorm.weight"},
    {"layers.{}.attention_norm.bias", NEOX "input_layernorm.bias"},
    {"layers.{}.query.weight", NEOX "attention.query_key_value.weight", FusedPart::kQuery, false,
     true},
    {"layers.{}.query.bias", NEOX "attention.query_key_value.bias", FusedPart::kQuery, false, true},
    {"layers.{}.key.weight", NEOX "attention.query_key_value.weight", FusedPart::kKey, false, true},
    {"layers.{}.key.bias", NEOX "attention.query_key_value.bias", FusedPart::kKey, false, true},
    {"layers.{}.value.weight", NEOX "attention.query_key_value.weight", FusedPart::kValue, false,
     true},
    {"layers.{}.value.bias", NEOX "attention.query_key_value.bias", FusedPart::kValue, false, true},
    {"layers.{}.output.weight", NEOX "attention.dense.weight"},
    {"layers.{}.output.bias", NEOX "attention.dense.bias"},
    {"layers.{}.mlp_norm.weight", NEOX "post_attention_layernorm.weight"},
    {"layers.{}.mlp_norm.bias", NEOX "post_attention_layernorm.bias"},
    {"layers.{}.up.weight", NEOX "mlp.dense_h_to_4h.weight"},
    {"layers.{}.up.bias", NEOX "mlp.dense_h_to_4h.bias"},
    {"layers.{}.down.weight", NEOX "mlp.dense_4h_to_h.weight"},
    {"layers.{}.down.bias", NEOX "mlp.dense_4h_to_h.bias"},
    {"final_norm.weight", "gpt_neox.final_layer_norm.weight"},
    {"final_norm.bias", "gpt_neox.final_layer_norm.bias"},
    {"head.weight", "embed_out.weight"},
};
#undef NEOX

// GGUF files do not say which GELU; llama.cpp computes the tanh form.
void set_family(DecoderConfig& config) {
  config.norm = NormKind::kLayer;
  config.gated_mlp = false;
  config.activation = Activation::kGeluTanh;
  config.parallel_residual = true;
  config.qkv_bias = config.output_bias = config.mlp_bias = true;
}

void read_gguf(const Metadata& metadata, FindTensor, DecoderConfig& config) {
  config.parallel_residual = metadata.get_bool("gptneox.use_parallel_residual", true);
}

void write_gguf(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("gptneox.use_parallel_residual", config.parallel_residual);
}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  config.parallel_residual = metadata.get_bool("use_parallel_residual", true);
  read_attention_bias(metadata, config, true);
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("use_parallel_residual", config.parallel_residual);
  metadata.set("attention_bias", config.qkv_bias);
}

}  // namespace

const Architecture kGptNeoxArchitecture = {
    .name = "gptneox",
    .gguf_name = "gptneox",
    .model_type = "gpt_neox",
    .hugging_face_class = "GPTNeoXForCausalLM",
    .gguf_rules = kGgufRules,
    .hugging_face_rules = kHuggingFaceRules,
    .keys = {.kv_heads = "",
             .norm_epsilon = "layer_norm_eps",
             .rope_theta = "rotary_emb_base",
             .rotary_share = "rotary_pct",
             .default_norm_epsilon = 1e-5,
             .default_rotary_share = 0.25,
             .default_activation = "gelu"},
    .gguf_needs_head = true,
    .set_family = set_family,
    .read_gguf = read_gguf,
    .write_gguf = write_gguf,
    .read_hugging_face = read_hugging_face,
    .write_hugging_face = write_hugging_face,
};

}  // namespace onmal

#include "models/families.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

// With two norms, llama.cpp's first is the feed-forward network's.
bool two_norms(const DecoderConfig& config) {
  return config.parallel_residual && !config.shared_norm;
}

constexpr WeightRule kGgufRules[] = {
    {"layers.{}.attention_norm.weight", "blk.{}.attn_norm_2.weight", FusedPart::kWhole, false,
     false, two_norms},
    {"layers.{}.attention_norm.bias", "blk.{}.attn_norm_2.bias", FusedPart::kWhole, false, false,
     two_norms},
    {"layers.{}.mlp_norm.weight", "blk.{}.attn_norm.weight", FusedPart::kWhole, false, false,
     two_norms},
    {"layers.{}.mlp_norm.bias", "blk.{}.attn_norm.bias", FusedPart::kWhole, false, false,
     two_norms},
    {"layers.{}.query.weight", "blk.{}.attn_qkv.weight", FusedPart::kQuery},
    {"layers.{}.query.bias", "blk.{}.attn_qkv.bias", FusedPart::kQuery},
    {"layers.{}.key.weight", "blk.{}.attn_qkv.weight", FusedPart::kKey},
    {"layers.{}.key.bias", "blk.{}.attn_qkv.bias", FusedPart::kKey},
    {"layers.{}.value.weight", "blk.{}.attn_qkv.weight", FusedPart::kValue},
    {"layers.{}.value.bias", "blk.{}.attn_qkv.bias", FusedPart::kValue},
};

#define FALCON "transformer.h.{}."
constexpr WeightRule kHuggingFaceRules[] = {
    {"embedding.weight", "transformer.word_embeddings.weight"},
    {"layers.{}.attention_norm.weight", FALCON "ln_attn.weight", FusedPart::kWhole, false, false,
     two_norms},
    {"layers.{}.attention_norm.bias", FALCON "ln_attn.bias", FusedPart::kWhole, false, false,
     two_norms},
    {"layers.{}.mlp_norm.weight", FALCON "ln_mlp.weight", FusedPart::kWhole, false, false,
     two_norms},
    {"layers.{}.mlp_norm.bias", FALCON "ln_mlp.bias", FusedPart::kWhole, false, false, two_norms},
    {"layers.{}.attention_norm.weight", FALCON "input_layernorm.weight"},
    {"layers.{}.attention_norm.bias", FALCON "input_layernorm.bias"},
    {"layers.{}.mlp_norm.weight", FALCON "post_attention_layernorm.weight"},
    {"layers.{}.mlp_norm.bias", FALCON "post_attention_layernorm.bias"},
    {"layers.{}.query.weight", FALCON "self_attention.query_key_value.weight", FusedPart::kQuery,
     false, true},
    {"layers.{}.query.bias", FALCON "self_attention.query_key_value.bias", FusedPart::kQuery, false,
     true},
    {"layers.{}.key.weight", FALCON "self_attention.query_key_value.weight", FusedPart::kKey, false,
     true},
    {"layers.{}.key.bias", FALCON "self_attention.query_key_value.bias", FusedPart::kKey, false,
     true},
    {"layers.{}.value.weight", FALCON "self_attention.query_key_value.weight", FusedPart::kValue,
     false, true},
    {"layers.{}.value.bias", FALCON "self_attention.query_key_value.bias", FusedPart::kValue, false,
     true},
    {"layers.{}.output.weight", FALCON "self_attention.dense.weight"},
    {"layers.{}.output.bias", FALCON "self_attention.dense.bias"},
    {"layers.{}.up.weight", FALCON "mlp.dense_h_to_4h.weight"},
    {"layers.{}.up.bias", FALCON "mlp.dense_h_to_4h.bias"},
    {"layers.{}.down.weight", FALCON "mlp.dense_4h_to_h.weight"},
    {"layers.{}.down.bias", FALCON "mlp.dense_4h_to_h.bias"},
    {"final_norm.weight", "transformer.ln_f.weight"},
    {"final_norm.bias", "transformer.ln_f.bias"},
};
#undef FALCON

// GGUF files do not say which GELU; llama.cpp computes the tanh form.
void set_family(DecoderConfig& config) {
  config.norm = NormKind::kLayer;
  config.gated_mlp = false;
  config.activation = Activation::kGeluTanh;
  config.parallel_residual = config.shared_norm = true;
}

void read_gguf(const Metadata&, FindTensor find, DecoderConfig& config) {
  config.parallel_residual = !find("blk.0.ffn_norm.weight").defined();
  config.shared_norm = config.parallel_residual && !find("blk.0.attn_norm_2.weight").defined();
}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  if (metadata.get_bool("alibi", false))
    refuse_key(metadata, "alibi", "is on; only rotary positions are supported");
  const bool grouped = metadata.get_bool("new_decoder_architecture", false);
  if (!grouped) {
    config.kv_heads = metadata.get_bool("multi_query", true) ? 1 : config.heads;
  } else {
    config.kv_heads = metadata.get_int("num_kv_heads", metadata.get_int("n_head_kv", config.heads));
  }
  config.parallel_residual = grouped || metadata.get_bool("parallel_attn", true);
  config.shared_norm =
      config.parallel_residual && !(grouped && metadata.get_int("num_ln_in_parallel_attn", 2) == 2);
  config.qkv_bias = config.output_bias = config.mlp_bias = metadata.get_bool("bias", false);
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  const bool grouped =
      config.parallel_residual &&
      (!config.shared_norm || (config.kv_heads != 1 && config.kv_heads != config.heads));
  metadata.set("new_decoder_architecture", grouped);
  metadata.set("multi_query", config.kv_heads == 1);
  metadata.set("parallel_attn", config.parallel_residual);
  if (grouped) metadata.set("num_ln_in_parallel_attn", int64_t{config.shared_norm ? 1 : 2});
  metadata.set("bias", config.mlp_bias);
  metadata.set("alibi", false);
}

}  // namespace

const Architecture kFalconArchitecture = {
    .name = "falcon",
    .gguf_name = "falcon",
    .model_type = "falcon",
    .hugging_face_class = "FalconForCausalLM",
    .gguf_rules = kGgufRules,
    .hugging_face_rules = kHuggingFaceRules,
    .keys = {.kv_heads = "num_kv_heads",
             .ffn_dim = "ffn_hidden_size",
             .norm_epsilon = "layer_norm_epsilon",
             .activation = "activation",
             .default_norm_epsilon = 1e-5,
             .default_activation = "gelu",
             .default_tied_head = true},
    .set_family = set_family,
    .read_gguf = read_gguf,
    .read_hugging_face = read_hugging_face,
    .write_hugging_face = write_hugging_face,
};

}  // namespace onmal

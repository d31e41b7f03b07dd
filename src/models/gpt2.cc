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

void set_family(DecoderConfig& config) {
  config.norm = NormKind::kLayer;
  config.position = PositionKind::kLearned;
  config.qkv_bias = true;
  config.output_bias = true;
  config.mlp_bias = true;
  config.gated_mlp = false;
  config.activation = Activation::kGeluTanh;
}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  if (!metadata.get_bool("scale_attn_weights", true)) config.attention_scale = 1.0F;
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"}) {
    if (metadata.get_bool(key, false)) refuse_key(metadata, key, "is not supported");
  }
}

void write_hugging_face(const DecoderConfig& config, Metadata& metadata) {
  metadata.set("scale_attn_weights", config.attention_scale == 0.0F);
}

}  // namespace

const Architecture kGpt2Architecture = {
    .name = "gpt2",
    .gguf_name = "gpt2",
    .model_type = "gpt2",
    .hugging_face_class = "GPT2LMHeadModel",
    .gguf_rules = kGgufRules,
    .hugging_face_rules = kHuggingFaceRules,
    .keys = {.dim = "n_embd",
             .layers = "n_layer",
             .heads = "n_head",
             .kv_heads = "",
             .ffn_dim = "n_inner",
             .max_positions = "n_positions",
             .norm_epsilon = "layer_norm_epsilon",
             .activation = "activation_function",
             .default_norm_epsilon = 1e-5,
             .default_max_positions = 1024,
             .default_activation = "gelu_new",
             .default_tied_head = true},
    .set_family = set_family,
    .read_hugging_face = read_hugging_face,
    .write_hugging_face = write_hugging_face,
};

}  // namespace onmal

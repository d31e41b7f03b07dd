#include "models/families.h"
#include "models/gguf_config.h"
#include "models/hugging_face_config.h"

namespace onmal {
namespace {

constexpr WeightRule kGgufRules[] = {
    {"layers.{}.query.weight", "blk.{}.attn_qkv.weight", FusedPart::kQuery},
    {"layers.{}.key.weight", "blk.{}.attn_qkv.weight", FusedPart::kKey},
    {"layers.{}.value.weight", "blk.{}.attn_qkv.weight", FusedPart::kValue},
    {"layers.{}.gate.weight", "blk.{}.ffn_up.weight", FusedPart::kGate},
    {"layers.{}.up.weight", "blk.{}.ffn_up.weight", FusedPart::kUp},
};

constexpr WeightRule kHuggingFaceRules[] = {
    {"layers.{}.query.weight", "model.layers.{}.self_attn.qkv_proj.weight", FusedPart::kQuery},
    {"layers.{}.key.weight", "model.layers.{}.self_attn.qkv_proj.weight", FusedPart::kKey},
    {"layers.{}.value.weight", "model.layers.{}.self_attn.qkv_proj.weight", FusedPart::kValue},
    {"layers.{}.gate.weight", "model.layers.{}.mlp.gate_up_proj.weight", FusedPart::kGate},
    {"layers.{}.up.weight", "model.layers.{}.mlp.gate_up_proj.weight", FusedPart::kUp},
};

void set_family(DecoderConfig&) {}

void read_hugging_face(const Metadata& metadata, DecoderConfig& config) {
  read_window(metadata, config, true, always_local, 0);
}

}  // namespace

const Architecture kPhi3Architecture = {
    .name = "phi3",
    .gguf_name = "phi3",
    .model_type = "phi3",
    .hugging_face_class = "Phi3ForCausalLM",
    .gguf_rules = kGgufRules,
    .hugging_face_rules = kHuggingFaceRules,
    .keys = {.default_norm_epsilon = 1e-5, .default_max_positions = 4096},
    .set_family = set_family,
    .read_hugging_face = read_hugging_face,
    .write_hugging_face = write_window,
};

}  // namespace onmal

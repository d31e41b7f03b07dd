#include "models/architecture.h"

#include <array>
#include <string>

#include "base/error.h"
#include "models/families.h"

namespace onmal {
namespace {

// The registry: one line a family. Of several with one GGUF name the first reads such files, and
// may leave one to another.
constexpr std::array kArchitectures = {
    &kLlamaArchitecture,      &kMistralArchitecture,  &kMixtralArchitecture,  &kQwen2Architecture,
    &kQwen3Architecture,      &kQwen2MoeArchitecture, &kQwen3MoeArchitecture, &kGemmaArchitecture,
    &kGemma2Architecture,     &kGemma3Architecture,   &kPhi3Architecture,     &kExaoneArchitecture,
    &kExaone4Architecture,    &kOlmo2Architecture,    &kOlmo3Architecture,    &kGraniteArchitecture,
    &kStarcoder2Architecture, &kStablelmArchitecture, &kGpt2Architecture,     &kGptNeoxArchitecture,
    &kFalconArchitecture,
};

const Architecture& find_by(std::string_view Architecture::*field, std::string_view name,
                            const std::string& where) {
  std::string known;
  for (const Architecture* architecture : kArchitectures) {
    const std::string candidate(architecture->*field);
    if (candidate == name) return *architecture;
    if ((", " + known + ",").find(", " + candidate + ",") != std::string::npos) continue;
    known += (known.empty() ? "" : ", ") + candidate;
  }
  throw Error(ErrorCode::kUnsupported, where, "unknown architecture '" + std::string(name) + "'",
              "known ones: " + known);
}

bool norms_before_only(const DecoderConfig& config) {
  return config.norm_placement == NormPlacement::kBefore;
}

constexpr WeightRule kCommonGgufRules[] = {
    {"embedding.weight", "token_embd.weight"},
    {"position_embedding.weight", "position_embd.weight"},
    {"layers.{}.attention_norm.weight", "blk.{}.attn_norm.weight"},
    {"layers.{}.attention_norm.bias", "blk.{}.attn_norm.bias"},
    {"layers.{}.query.weight", "blk.{}.attn_q.weight"},
    {"layers.{}.query.bias", "blk.{}.attn_q.bias"},
    {"layers.{}.key.weight", "blk.{}.attn_k.weight"},
    {"layers.{}.key.bias", "blk.{}.attn_k.bias"},
    {"layers.{}.value.weight", "blk.{}.attn_v.weight"},
    {"layers.{}.value.bias", "blk.{}.attn_v.bias"},
    {"layers.{}.output.weight", "blk.{}.attn_output.weight"},
    {"layers.{}.output.bias", "blk.{}.attn_output.bias"},
    {"layers.{}.query_norm.weight", "blk.{}.attn_q_norm.weight"},
    {"layers.{}.key_norm.weight", "blk.{}.attn_k_norm.weight"},
    {"layers.{}.attention_post_norm.weight", "blk.{}.post_attention_norm.weight"},
    {"layers.{}.mlp_norm.weight", "blk.{}.ffn_norm.weight"},
    {"layers.{}.mlp_norm.bias", "blk.{}.ffn_norm.bias"},
    {"layers.{}.gate.weight", "blk.{}.ffn_gate.weight"},
    {"layers.{}.gate.bias", "blk.{}.ffn_gate.bias"},
    {"layers.{}.up.weight", "blk.{}.ffn_up.weight"},
    {"layers.{}.up.bias", "blk.{}.ffn_up.bias"},
    {"layers.{}.down.weight", "blk.{}.ffn_down.weight"},
    {"layers.{}.down.bias", "blk.{}.ffn_down.bias"},
    {"layers.{}.router.weight", "blk.{}.ffn_gate_inp.weight"},
    {"layers.{}.experts_gate.weight", "blk.{}.ffn_gate_exps.weight"},
    {"layers.{}.experts_up.weight", "blk.{}.ffn_up_exps.weight"},
    {"layers.{}.experts_down.weight", "blk.{}.ffn_down_exps.weight"},
    {"layers.{}.shared_gate.weight", "blk.{}.ffn_gate_shexp.weight"},
    {"layers.{}.shared_up.weight", "blk.{}.ffn_up_shexp.weight"},
    {"layers.{}.shared_down.weight", "blk.{}.ffn_down_shexp.weight"},
    {"layers.{}.shared_router.weight", "blk.{}.ffn_gate_inp_shexp.weight"},
    {"layers.{}.mlp_post_norm.weight", "blk.{}.post_ffw_norm.weight"},
    // The oldest mixtures keep experts apart.
    {"layers.{}.experts_gate.weight", "blk.{}.ffn_gate.{#}.weight"},
    {"layers.{}.experts_up.weight", "blk.{}.ffn_up.{#}.weight"},
    {"layers.{}.experts_down.weight", "blk.{}.ffn_down.{#}.weight"},
    // Some files keep these in one for any family.
    {"layers.{}.query.weight", "blk.{}.attn_qkv.weight", FusedPart::kQuery},
    {"layers.{}.query.bias", "blk.{}.attn_qkv.bias", FusedPart::kQuery},
    {"layers.{}.key.weight", "blk.{}.attn_qkv.weight", FusedPart::kKey},
    {"layers.{}.key.bias", "blk.{}.attn_qkv.bias", FusedPart::kKey},
    {"layers.{}.value.weight", "blk.{}.attn_qkv.weight", FusedPart::kValue},
    {"layers.{}.value.bias", "blk.{}.attn_qkv.bias", FusedPart::kValue},
    {"final_norm.weight", "output_norm.weight"},
    {"final_norm.bias", "output_norm.bias"},
    {"head.weight", "output.weight"},
};

constexpr WeightRule kCommonHuggingFaceRules[] = {
    {"embedding.weight", "model.embed_tokens.weight"},
    {"layers.{}.attention_norm.weight", "model.layers.{}.input_layernorm.weight"},
    {"layers.{}.attention_norm.bias", "model.layers.{}.input_layernorm.bias"},
    {"layers.{}.query.weight", "model.layers.{}.self_attn.q_proj.weight"},
    {"layers.{}.query.bias", "model.layers.{}.self_attn.q_proj.bias"},
    {"layers.{}.key.weight", "model.layers.{}.self_attn.k_proj.weight"},
    {"layers.{}.key.bias", "model.layers.{}.self_attn.k_proj.bias"},
    {"layers.{}.value.weight", "model.layers.{}.self_attn.v_proj.weight"},
    {"layers.{}.value.bias", "model.layers.{}.self_attn.v_proj.bias"},
    {"layers.{}.output.weight", "model.layers.{}.self_attn.o_proj.weight"},
    {"layers.{}.output.bias", "model.layers.{}.self_attn.o_proj.bias"},
    {"layers.{}.query_norm.weight", "model.layers.{}.self_attn.q_norm.weight"},
    {"layers.{}.key_norm.weight", "model.layers.{}.self_attn.k_norm.weight"},
    {"layers.{}.mlp_norm.weight", "model.layers.{}.post_attention_layernorm.weight",
     FusedPart::kWhole, false, false, norms_before_only},
    {"layers.{}.mlp_norm.bias", "model.layers.{}.post_attention_layernorm.bias"},
    {"layers.{}.mlp_norm.weight", "model.layers.{}.pre_feedforward_layernorm.weight"},
    {"layers.{}.attention_post_norm.weight", "model.layers.{}.post_attention_layernorm.weight"},
    {"layers.{}.mlp_post_norm.weight", "model.layers.{}.post_feedforward_layernorm.weight"},
    {"layers.{}.gate.weight", "model.layers.{}.mlp.gate_proj.weight"},
    {"layers.{}.gate.bias", "model.layers.{}.mlp.gate_proj.bias"},
    {"layers.{}.up.weight", "model.layers.{}.mlp.up_proj.weight"},
    {"layers.{}.up.bias", "model.layers.{}.mlp.up_proj.bias"},
    {"layers.{}.down.weight", "model.layers.{}.mlp.down_proj.weight"},
    {"layers.{}.down.bias", "model.layers.{}.mlp.down_proj.bias"},
    {"layers.{}.router.weight", "model.layers.{}.mlp.gate.weight"},
    {"layers.{}.experts_gate.weight", "model.layers.{}.mlp.experts.{#}.gate_proj.weight"},
    {"layers.{}.experts_up.weight", "model.layers.{}.mlp.experts.{#}.up_proj.weight"},
    {"layers.{}.experts_down.weight", "model.layers.{}.mlp.experts.{#}.down_proj.weight"},
    {"layers.{}.shared_gate.weight", "model.layers.{}.mlp.shared_expert.gate_proj.weight"},
    {"layers.{}.shared_up.weight", "model.layers.{}.mlp.shared_expert.up_proj.weight"},
    {"layers.{}.shared_down.weight", "model.layers.{}.mlp.shared_expert.down_proj.weight"},
    {"layers.{}.shared_router.weight", "model.layers.{}.mlp.shared_expert_gate.weight"},
    {"final_norm.weight", "model.norm.weight"},
    {"final_norm.bias", "model.norm.bias"},
    {"head.weight", "lm_head.weight"},
};

}  // namespace

std::vector<const WeightRule*> WeightNames::find(std::string_view ours,
                                                 const DecoderConfig& config) const {
  std::vector<const WeightRule*> found;
  for (const std::span<const WeightRule> rules : {own, common}) {
    for (const WeightRule& rule : rules) {
      if (rule.ours == ours && (rule.when == nullptr || rule.when(config))) found.push_back(&rule);
    }
  }
  return found;
}

WeightNames Architecture::gguf_names() const { return {gguf_rules, kCommonGgufRules}; }

WeightNames Architecture::hugging_face_names() const {
  return {hugging_face_rules, kCommonHuggingFaceRules};
}

const Architecture& find_architecture(std::string_view name, const std::string& where) {
  return find_by(&Architecture::name, name, where);
}

const Architecture& find_gguf_architecture(std::string_view name, const std::string& where) {
  return find_by(&Architecture::gguf_name, name, where);
}

const Architecture& find_hugging_face_architecture(std::string_view model_type,
                                                   const std::string& where) {
  return find_by(&Architecture::model_type, model_type, where);
}

}  // namespace onmal

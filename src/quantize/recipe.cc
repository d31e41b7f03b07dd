#include "quantize/recipe.h"

#include <algorithm>
#include <cctype>

namespace onmal {
namespace {

using enum TensorRole;
using enum LayerChoice;

// The mixtures of llama.cpp, whose names these are: attention values and the second feed-forward
// matrix suffer most from few bits, in the first and last layers above all.
constexpr RecipeRule kQ2K[] = {
    {kAttentionValue, kAll, DType::kQ4_K, true},
    {kAttentionValue, kAll, DType::kQ3_K},
    {kFeedForwardDown, kAll, DType::kQ3_K},
    {kAttentionOutput, kAll, DType::kQ3_K},
};
constexpr RecipeRule kQ3KM[] = {
    {kAttentionValue, kFirstTwo, DType::kQ5_K},
    {kAttentionValue, kAll, DType::kQ4_K},
    {kFeedForwardDown, kFirstSixteenth, DType::kQ5_K},
    {kFeedForwardDown, kAll, DType::kQ4_K},
    {kAttentionOutput, kAll, DType::kQ4_K},
    {kAttentionFused, kAll, DType::kQ4_K},
};
constexpr RecipeRule kQ3KL[] = {
    {kAttentionValue, kAll, DType::kQ5_K},
    {kFeedForwardDown, kAll, DType::kQ5_K},
    {kAttentionOutput, kAll, DType::kQ5_K},
    {kAttentionFused, kAll, DType::kQ4_K},
};
constexpr RecipeRule kQ4KS[] = {
    {kAttentionValue, kFirstFour, DType::kQ5_K},
    {kFeedForwardDown, kFirstEighth, DType::kQ5_K},
};
constexpr RecipeRule kQ4KM[] = {
    {kAttentionValue, kSpread, DType::kQ6_K},
    {kFeedForwardDown, kSpread, DType::kQ6_K},
    {kAttentionFused, kAll, DType::kQ5_K},
};
constexpr RecipeRule kQ5KM[] = {
    {kAttentionValue, kSpread, DType::kQ6_K},
    {kFeedForwardDown, kSpread, DType::kQ6_K},
    {kAttentionFused, kAll, DType::kQ6_K},
};
constexpr RecipeRule kIQ4[] = {
    {kAttentionValue, kAll, DType::kQ5_K, true},
    {kFeedForwardDown, kFirstEighth, DType::kQ5_K, false, true},
};

constexpr QuantizeRecipe kRecipes[] = {
    {"f32", DType::kF32, 0, {}},          {"f16", DType::kF16, 1, {}},
    {"bf16", DType::kBF16, 32, {}},       {"q8_0", DType::kQ8_0, 7, {}},
    {"q6_k", DType::kQ6_K, 18, {}},       {"q5_k_m", DType::kQ5_K, 17, kQ5KM},
    {"q5_k_s", DType::kQ5_K, 16, {}},     {"q5_k", DType::kQ5_K, 17, kQ5KM},
    {"q5_1", DType::kQ5_1, 9, {}},        {"q5_0", DType::kQ5_0, 8, {}},
    {"q4_k_m", DType::kQ4_K, 15, kQ4KM},  {"q4_k_s", DType::kQ4_K, 14, kQ4KS},
    {"q4_k", DType::kQ4_K, 15, kQ4KM},    {"q4_1", DType::kQ4_1, 3, {}},
    {"q4_0", DType::kQ4_0, 2, {}},        {"iq4_nl", DType::kIQ4_NL, 25, kIQ4},
    {"iq4_xs", DType::kIQ4_XS, 30, kIQ4}, {"q3_k_l", DType::kQ3_K, 13, kQ3KL},
    {"q3_k_m", DType::kQ3_K, 12, kQ3KM},  {"q3_k_s", DType::kQ3_K, 11, {}},
    {"q3_k", DType::kQ3_K, 12, kQ3KM},    {"q2_k", DType::kQ2_K, 10, kQ2K},
};

struct Fallback {
  DType wide, narrow;  // blocks of 256, of 32: about as many bits
};
constexpr Fallback kFallbacks[] = {
    {DType::kQ2_K, DType::kQ4_0}, {DType::kQ3_K, DType::kQ4_0}, {DType::kQ4_K, DType::kQ5_0},
    {DType::kQ5_K, DType::kQ5_1}, {DType::kQ6_K, DType::kQ8_0}, {DType::kIQ4_XS, DType::kIQ4_NL},
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool chosen(LayerChoice choice, int64_t i, int64_t n) {
  switch (choice) {
    case kAll:
      return true;
    case kFirstTwo:
      return i < 2;
    case kFirstFour:
      return i < 4;
    case kFirstSixteenth:
      return i < n / 16;
    case kFirstEighth:
      return i < n / 8;
    case kSpread:
      return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
  }
  return false;
}

}  // namespace

std::span<const QuantizeRecipe> recipes() { return kRecipes; }

const QuantizeRecipe* find_recipe(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const QuantizeRecipe& recipe : kRecipes) {
    if (recipe.name == lower) return &recipe;
  }
  return nullptr;
}

std::string recipe_names() {
  std::string names;
  for (const QuantizeRecipe& recipe : kRecipes) {
    names += (names.empty() ? "" : ", ") + std::string(recipe.name);
  }
  return names;
}

TensorRole tensor_role(std::string_view name, int rank, bool tied) {
  constexpr std::string_view kKeptParts[] = {"_norm.",      "ffn_gate_inp", "position_embd",
                                             "token_types", "rope_",        "ssm_conv1d",
                                             "shortconv",   "attn_rel_b",   "time_mix_"};
  if (rank < 2 || !name.ends_with(".weight")) return kKept;
  for (const std::string_view part : kKeptParts) {
    if (contains(name, part)) return kKept;
  }
  if (name == "output.weight") return kHead;
  if (name == "token_embd.weight") return tied ? kHead : kEmbedding;
  if (contains(name, "attn_v")) return kAttentionValue;
  if (contains(name, "attn_qkv")) return kAttentionFused;
  if (contains(name, "attn_output")) return kAttentionOutput;
  if (contains(name, "ffn_down")) return kFeedForwardDown;
  return kOther;
}

DType choose_format(const QuantizeRecipe& recipe, const TensorPlace& place, bool pure) {
  const DType dtype = recipe.dtype;
  if (pure || !is_quantized(dtype) || dtype == DType::kQ8_0) return dtype;
  if (place.role == kHead) return DType::kQ6_K;
  for (const RecipeRule& rule : recipe.rules) {
    if (rule.role != place.role || !chosen(rule.layers, place.layer, place.layers)) continue;
    if (rule.shared_keys && !place.shared_keys) continue;
    if (rule.without_importance && place.importance) continue;
    return rule.dtype;
  }
  return dtype;
}

DType fitting_format(DType dtype, int64_t columns) {
  if (columns % dtype_info(dtype).block_size == 0) return dtype;
  for (const Fallback& fallback : kFallbacks) {
    if (fallback.wide == dtype && columns % dtype_info(fallback.narrow).block_size == 0) {
      return fallback.narrow;
    }
  }
  return DType::kF16;
}

}  // namespace onmal

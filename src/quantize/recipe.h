#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "numeric/dtype.h"

namespace onmal {

// What a weight does in a model, as far as mixed formats tell weights apart.
enum class TensorRole : uint8_t {
  kKept,       // norms, biases, positions, routers: never quantised
  kHead,       // output.weight, or the embedding that serves as one
  kEmbedding,  // token embedding beside a head of its own
  kAttentionValue,
  kAttentionOutput,
  kAttentionFused,  // query, key and value in one matrix
  kFeedForwardDown,
  kOther,
};

// Which layers a rule of a recipe speaks of; n layers, this one is i.
enum class LayerChoice : uint8_t {
  kAll,
  kFirstTwo,
  kFirstFour,
  kFirstSixteenth,  // i < n / 16
  kFirstEighth,     // i < n / 8
  kSpread,          // the first and the last eighth, and every third between
};

struct RecipeRule {
  TensorRole role = TensorRole::kOther;
  LayerChoice layers = LayerChoice::kAll;
  DType dtype = DType::kF32;
  bool shared_keys = false;         // only where four or more query heads share a key head
  bool without_importance = false;  // only without an importance matrix
};

// A number format of a whole model, by the name the community gives it: the format of most matrices
// and, first match first, of those that deserve more bits.
struct QuantizeRecipe {
  std::string_view name;
  DType dtype = DType::kF32;
  int64_t file_type = 0;  // general.file_type
  std::span<const RecipeRule> rules;
};

std::span<const QuantizeRecipe> recipes();
// Null when there is none of that name (any case).
const QuantizeRecipe* find_recipe(std::string_view name);
// "f32, f16, …", for messages.
std::string recipe_names();

// What choosing a tensor's format depends on.
struct TensorPlace {
  TensorRole role = TensorRole::kOther;
  int64_t layer = 0;
  int64_t layers = 1;
  bool shared_keys = false;
  bool importance = false;  // there is an importance matrix
};

// The role of a GGUF tensor by its name. tied: the file has no output.weight.
TensorRole tensor_role(std::string_view name, int rank, bool tied);

// The format that a recipe gives to a tensor (not kKept); pure: its main format to all.
DType choose_format(const QuantizeRecipe& recipe, const TensorPlace& place, bool pure);

// The format itself where rows of `columns` values can be cut into its blocks, else the nearest one
// with blocks of 32, else f16.
DType fitting_format(DType dtype, int64_t columns);

}  // namespace onmal

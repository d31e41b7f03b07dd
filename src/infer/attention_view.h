#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/attention_weights.h"

namespace onmal {

enum class AttentionUnits : uint8_t {
  kToken,
  kSyllable,  // Hangul syllables, runs of other letters and digits, single marks
  kWord,      // what stands between white space
};

// A token on its way to a unit: the text it stands for, or a special token's name.
struct AttentionToken {
  std::string text;
  bool special = false;
};

// Which units each token is part of; a special token is a unit by itself. White space belongs to
// the unit behind it.
struct UnitMap {
  std::vector<std::string> labels;
  std::vector<std::vector<size_t>> units_of_token;  // at least one each
};
UnitMap map_units(const std::vector<AttentionToken>& tokens, AttentionUnits units);

// The map between units: a key unit gets the weights of its tokens (a token of several units gives
// each an equal part), a query unit the mean of its tokens' rows. Rows stay distributions.
AttentionMap group_attention(const AttentionMap& map, const UnitMap& units);

// One head as two columns of units with lines as strong as the weights, and beside it as a matrix
// (rows: who attends; columns: to what).
std::string draw_head(const AttentionMap& map, size_t head, const std::vector<std::string>& labels);
// A small matrix for each head (columns) of each layer (rows). Throws Error(kResource) for more
// than 400,000 cells.
std::string draw_heads(const std::vector<AttentionMap>& maps);

}  // namespace onmal

#include "tokenizer/adjacent_pairs.h"

#include <algorithm>

#include "text/utf8.h"

namespace onmal {

AdjacentPairs::AdjacentPairs(const std::vector<std::string>& pieces,
                             std::span<const std::pair<int32_t, int32_t>> merges,
                             std::span<const int32_t> made) {
  const auto piece = [&](int32_t id) -> const std::string& {
    return pieces[static_cast<size_t>(id)];
  };
  // Whole characters, or nothing but a part of one.
  const auto keeps_characters = [&](int32_t id) {
    const std::string& text = piece(id);
    return find_invalid_utf8(text) == std::string::npos ||
           std::all_of(text.begin() + 1, text.end(), continues);
  };
  const bool whole = std::all_of(made.begin(), made.end(), keeps_characters);
  if (whole) pairs_ = BitFilter(merges.size(), 16);
  for (const auto& [left_id, right_id] : merges) {
    const std::string& left = piece(left_id);
    const std::string& right = piece(right_id);
    if (left.empty() || right.empty()) continue;
    bytes_[static_cast<size_t>(static_cast<uint8_t>(left.back())) * 256 +
           static_cast<uint8_t>(right[0])] = true;
    if (!whole || continues(right[0])) continue;
    size_t last = left.size() - 1;
    while (last > 0 && continues(left[last])) --last;
    pairs_.insert(BitFilter::pair_key(first_character(left, last), first_character(right, 0)));
  }
}

}  // namespace onmal

#include "tokenizer/adjacent_pairs.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "text/utf8.h"

namespace onmal {
namespace {

bool continues(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

// Whole characters, or nothing but a part of one.
bool keeps_characters_whole(const std::string& piece) {
  return find_invalid_utf8(piece) == std::string::npos ||
         std::all_of(piece.begin() + 1, piece.end(), continues);
}

}  // namespace

AdjacentPairs::AdjacentPairs(const std::vector<std::string>& pieces) {
  bool whole = true;
  for (const std::string& piece : pieces) {
    whole = whole && keeps_characters_whole(piece);
    for (size_t i = 1; i < piece.size(); ++i) {
      bytes_[static_cast<size_t>(static_cast<uint8_t>(piece[i - 1])) * 256 +
             static_cast<uint8_t>(piece[i])] = true;
    }
  }
  if (!whole) return;
  std::unordered_set<uint64_t> keys;
  for (const std::string& piece : pieces) {
    Walk walk(piece);
    while (walk.next()) {
      if (walk.starts_character_) keys.insert(uint64_t{walk.left_} << 32 | walk.right());
    }
  }
  pairs_.resize(std::bit_ceil(std::max<size_t>(1, keys.size() / 4)));  // 16 bits or more for a pair
  for (const uint64_t key : keys) {
    const size_t bit = bit_of(key);
    pairs_[bit / 64] |= uint64_t{1} << (bit % 64);
  }
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/bit_filter.h"

namespace onmal {

// Which neighbouring characters stand together in a piece of a vocabulary. Between two others no
// merge can join bytes, so a text may be cut there. A filter: it may say yes too often, never no
// wrongly; when a piece joins a character with a part of another, it looks at bytes, not
// characters.
class AdjacentPairs {
 public:
  // Walks over the places between neighbouring bytes of a text.
  class Walk {
   public:
    explicit Walk(std::string_view text) : text_(text) {}
    // Goes to the next place; false at the end.
    bool next() {
      if (at_ + 1 >= text_.size()) return false;
      left_ = extend(left_, text_[at_]);
      ++at_;
      starts_character_ = !continues(text_[at_]);
      return true;
    }
    size_t at() const { return at_; }

   private:
    friend class AdjacentPairs;
    std::string_view text_;
    size_t at_ = 0;
    uint32_t left_ = 0;  // the last four bytes at most of the character before the place
    bool starts_character_ = true;
  };

  AdjacentPairs() = default;
  // The pair merges[i] of pieces makes the piece made[i].
  AdjacentPairs(const std::vector<std::string>& pieces,
                std::span<const std::pair<int32_t, int32_t>> merges, std::span<const int32_t> made);

  // True when the bytes before and after the place may come to stand in one piece.
  bool may_join(const Walk& walk) const {
    const size_t at = walk.at_;
    const size_t bytes = static_cast<size_t>(static_cast<uint8_t>(walk.text_[at - 1])) * 256 +
                         static_cast<uint8_t>(walk.text_[at]);
    if (!bytes_[bytes]) return false;
    const bool ascii = ((bytes >> 8 | bytes) & 0x80) == 0;  // then the bytes are the characters
    if (ascii || pairs_.says_yes_to_all() || !walk.starts_character_) return true;
    return pairs_.may_contain(BitFilter::pair_key(walk.left_, first_character(walk.text_, at)));
  }

 private:
  static bool continues(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }
  // The bytes from `at` on, as far as the first one says that its character reaches.
  static uint32_t first_character(std::string_view text, size_t at) {
    const uint32_t lead = static_cast<uint8_t>(text[at]);
    const size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t key = lead;
    for (size_t i = at + 1; i < text.size() && i < at + length && continues(text[i]); ++i)
      key = key << 8 | static_cast<uint8_t>(text[i]);
    return key;
  }
  // The bytes of a character so far with one more.
  static uint32_t extend(uint32_t key, char c) {
    const auto byte = static_cast<uint8_t>(c);
    return continues(c) ? key << 8 | byte : byte;
  }

  std::vector<bool> bytes_ = std::vector<bool>(65536);  // [first * 256 + second]
  BitFilter pairs_;                                     // of characters
};

}  // namespace onmal

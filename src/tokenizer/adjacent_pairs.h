#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
      push();
      ++at_;
      starts_character_ = (static_cast<uint8_t>(text_[at_]) & 0xC0) != 0x80;
      return true;
    }
    size_t at() const { return at_; }

   private:
    friend class AdjacentPairs;
    void push() {
      const auto byte = static_cast<uint8_t>(text_[at_]);
      left_ = (byte & 0xC0) == 0x80 ? left_ << 8 | byte : byte;
    }
    // The bytes from the place on, as far as its first one says that its character reaches.
    uint32_t right() const {
      const uint32_t lead = static_cast<uint8_t>(text_[at_]);
      const size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
      uint32_t key = lead;
      for (size_t i = at_ + 1; i < text_.size() && i < at_ + length; ++i) {
        const auto byte = static_cast<uint8_t>(text_[i]);
        if ((byte & 0xC0) != 0x80) break;
        key = key << 8 | byte;
      }
      return key;
    }

    std::string_view text_;
    size_t at_ = 0;
    uint32_t left_ = 0;  // the last four bytes at most of the character before the place
    bool starts_character_ = true;
  };

  AdjacentPairs() = default;
  explicit AdjacentPairs(const std::vector<std::string>& pieces);

  // True when the bytes before and after the place may come to stand in one piece.
  bool may_join(const Walk& walk) const {
    const size_t at = walk.at_;
    const size_t bytes = static_cast<size_t>(static_cast<uint8_t>(walk.text_[at - 1])) * 256 +
                         static_cast<uint8_t>(walk.text_[at]);
    if (!bytes_[bytes]) return false;
    const bool ascii = ((bytes >> 8 | bytes) & 0x80) == 0;  // then the bytes are the characters
    if (ascii || pairs_.empty() || !walk.starts_character_) return true;
    return has(bit_of(walk.left_, walk.right()));
  }

 private:
  size_t bit_of(uint32_t left, uint32_t right) const {
    return bit_of(uint64_t{left} << 32 | right);
  }
  size_t bit_of(uint64_t key) const {
    key *= 0x9E3779B97F4A7C15ULL;
    return static_cast<size_t>(key >> 24) & (pairs_.size() * 64 - 1);
  }
  bool has(size_t bit) const { return (pairs_[bit / 64] >> (bit % 64) & 1) != 0; }

  std::vector<bool> bytes_ = std::vector<bool>(65536);  // [first * 256 + second]
  std::vector<uint64_t> pairs_;                         // none: the bytes alone tell
};

}  // namespace onmal

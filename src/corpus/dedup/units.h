#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/function_ref.h"
#include "corpus/dedup/fingerprint.h"

namespace onmal {

// What texts are compared by. A character of Hangul, Han or kana is a unit by itself, so that a
// particle that differs touches few of them; other letters and digits are units as whole words.
struct TextUnit {
  uint64_t hash = 0;
  bool is_word = false;
};

// Calls take(unit) for a text folded for comparing: NFKC, lower case, without white space,
// punctuation, symbols and bytes that are not UTF-8 (those end words).
void for_each_unit(std::string_view text, FunctionRef<void(const TextUnit&)> take);

// How many units make a window: that many characters, or words, or a mixture in proportion (with
// 50 and 10, five words and 25 characters). Both at least 1, at most 256.
struct WindowLength {
  uint32_t characters = 5;
  uint32_t words = 3;
};

// Throws Error(kInvalidArgument) for lengths out of bounds.
void check_window(const WindowLength& length);

// A window slides over units: behind every unit it is the shortest run back from there that is long
// enough.
class UnitWindow {
 public:
  // Throws Error(kInvalidArgument) for lengths out of bounds.
  explicit UnitWindow(const WindowLength& length);

  // Takes the next unit. False while all units so far are not long enough; the window has them all.
  bool push(const TextUnit& unit) {
    append(unit);
    while (weight_ >= needed_ + weight_of(units_[first_])) drop_first();
    return weight_ >= needed_;
  }

  size_t units() const { return count_; }
  // Of the units in the window: a polynomial modulo 2^61 - 1, in constant time.
  uint64_t hash() const;
  // The last `count` units as 128 bits, in linear time; they may begin before the window, at most
  // kMostUnits back and not before the first unit.
  Fingerprint fingerprint_of_last(size_t count) const;
  uint64_t units_so_far() const { return total_; }

  static constexpr size_t kMostUnits = 512;

 private:
  void append(const TextUnit& unit);
  void drop_first();
  uint32_t weight_of(const TextUnit& unit) const {
    return unit.is_word ? word_weight_ : character_weight_;
  }

  uint32_t word_weight_, character_weight_, needed_;
  std::array<TextUnit, kMostUnits> units_;  // a ring
  size_t first_ = 0, count_ = 0;
  uint64_t total_ = 0;
  uint32_t weight_ = 0;
  uint64_t polynomial_ = 0;
};

}  // namespace onmal

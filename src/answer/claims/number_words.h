#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace onmal {

// A number at a place of a text, its length in bytes.
struct ReadNumber {
  double value = 0;
  size_t length = 0;
  bool in_words = false;
};

// Digits (1,947 / 2.3 / 2조 3천억 / 2.4 billion) or words (열세, 백만, twenty, one hundred) at
// `at`; nothing where none begins there.
std::optional<ReadNumber> read_number(std::string_view text, size_t at);

// What a unit behind a number means: value * factor in units of `name`.
struct ReadUnit {
  std::string name;
  double factor = 1;
  size_t length = 0;  // bytes
};
// The unit at `at` (a space before it belongs to it); an unknown English word is a unit by itself
// ("items"), without its plural. Nothing where none stands there.
std::optional<ReadUnit> read_unit(std::string_view text, size_t at);
// Whether a Korean counter or a unit stands there: what number words need behind them.
bool is_known_unit(const ReadUnit& unit);

// 하루, 이틀, 사흘 … as days.
std::optional<ReadNumber> read_day_word(std::string_view text, size_t at);

// "march", "mar." at `at`, in any case: 1 to 12; 0: none. `length` in bytes.
int read_month_name(std::string_view text, size_t at, size_t& length);

}  // namespace onmal

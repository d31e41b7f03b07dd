#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "infer/json/dfa.h"

namespace onmal::json {

// A decimal number as written: without leading zeros before the point or trailing ones behind it.
struct Decimal {
  bool negative = false;
  std::string whole = "0";
  std::string fraction;

  bool is_zero() const { return whole == "0" && fraction.empty(); }
  bool is_whole() const { return fraction.empty(); }
};

// `text`: a JSON number. Nothing for one with more than 400 digits.
std::optional<Decimal> read_decimal(std::string_view text);
// -1, 0, 1: less, the same, greater.
int compare(const Decimal& a, const Decimal& b);

struct NumberLimits {
  std::optional<Decimal> low, high;
  bool low_open = false, high_open = false;  // the limit itself does not belong
  bool whole_only = false;
  int64_t multiple_of = 1;  // with whole_only
  int32_t max_digits = 15;
};

// Numbers without an exponent within limits, -0 never; whole numbers with as many digits as the
// limits need even beyond max_digits, others with max_digits at most in all. May be empty.
Dfa make_number_range(const NumberLimits& limits, const std::string& where);
// Any number, exponents of two digits, each part of at most `max_digits`.
Dfa make_free_number(int32_t max_digits);

}  // namespace onmal::json

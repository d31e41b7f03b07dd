#include "infer/json/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "infer/json/regex.h"

namespace onmal::json {
namespace {

constexpr size_t kMaxWritten = 400;
constexpr int64_t kMaxExponent = 400;

int compare_sizes(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  if (whole != 0) return whole < 0 ? -1 : 1;
  const int fraction = a.fraction.compare(b.fraction);
  return fraction == 0 ? 0 : fraction < 0 ? -1 : 1;
}

Decimal negative(Decimal value) {
  value.negative = !value.negative && !value.is_zero();
  return value;
}

// Sizes of numbers of one sign: from `low` to `high`; no high: any.
struct Sizes {
  Decimal low;
  bool low_open = false;
  std::optional<Decimal> high;
  bool high_open = false;
  bool possible = true;
};

Sizes positive_sizes(const NumberLimits& limits) {
  Sizes sizes;
  if (limits.low && !limits.low->negative) {
    sizes.low = *limits.low;
    sizes.low_open = limits.low_open;
  }
  sizes.high = limits.high;
  sizes.high_open = limits.high_open;
  sizes.possible = !limits.high || !limits.high->negative;
  return sizes;
}

Sizes negative_sizes(const NumberLimits& limits) {
  NumberLimits mirrored;
  if (limits.high) mirrored.low = negative(*limits.high);
  if (limits.low) mirrored.high = negative(*limits.low);
  mirrored.low_open = limits.high_open;
  mirrored.high_open = limits.low_open;
  Sizes sizes = positive_sizes(mirrored);
  if (sizes.low.is_zero()) sizes.low_open = true;
  if (sizes.high && sizes.high->is_zero()) sizes.possible = false;
  return sizes;
}

// Reads digits and holds them to limits: a way through one sign and one number of digits before the
// point. Below the first digit that differs from a limit's the limit no longer matters.
struct Way {
  bool negative = false;
  int32_t length = 0;   // digits before the point
  int32_t read = 0;     // of them; behind the point: length + 1 + digits of the fraction
  bool at_low = false;  // all digits so far are those of the low limit
  bool at_high = false;

  bool whole_done() const { return read >= length; }
  bool behind_point() const { return read > length; }
  int32_t fraction_digits() const { return read - length - 1; }
  int32_t code() const {
    return ((((read << 9) | length) << 1 | (negative ? 1 : 0)) << 1 | (at_low ? 1 : 0)) << 1 |
           (at_high ? 1 : 0);
  }
  static Way of(int32_t code) {
    Way way;
    way.at_high = (code & 1) != 0;
    way.at_low = (code & 2) != 0;
    way.negative = (code & 4) != 0;
    way.length = (code >> 3) & 511;
    way.read = code >> 12;
    return way;
  }
};

class RangeWalk {
 public:
  explicit RangeWalk(const NumberLimits& limits)
      : limits_(limits), sizes_{positive_sizes(limits), negative_sizes(limits)} {
    most_ = static_cast<size_t>(limits.max_digits);
    for (const Sizes& sizes : sizes_) {
      most_ = std::max(most_, sizes.low.whole.size());
      if (sizes.high && limits.whole_only) most_ = std::max(most_, sizes.high->whole.size());
    }
  }

  // A position: the remainder, then the codes of all ways; {-1}: nothing read, {-2}: a minus.
  bool step(const Position& at, uint8_t byte, Position& reached) const {
    const bool starts = at[0] < 0;
    if (at[0] == -1 && byte == '-') {
      reached.push_back(-2);
      return sizes_[1].possible;
    }
    const bool is_digit = byte >= '0' && byte <= '9';
    if (!is_digit && (byte != '.' || starts || limits_.whole_only)) return false;
    const int64_t remainder =
        is_digit ? ((starts ? 0 : at[0]) * int64_t{10} + (byte - '0')) % limits_.multiple_of : 0;
    reached.push_back(static_cast<int32_t>(remainder));
    if (starts) {
      begin(at[0] == -2, byte, reached);
    } else {
      for (size_t i = 1; i < at.size(); ++i) go_on(Way::of(at[i]), byte, reached);
    }
    std::sort(reached.begin() + 1, reached.end());
    reached.erase(std::unique(reached.begin() + 1, reached.end()), reached.end());
    return reached.size() > 1;
  }

  bool accepts(const Position& at) const {
    if (at[0] != 0) return false;
    return std::any_of(at.begin() + 1, at.end(), [&](int32_t code) {
      const Way way = Way::of(code);
      const Sizes& sizes = sizes_[way.negative ? 1 : 0];
      if (!way.whole_done() || way.read == way.length + 1) return false;
      const bool over_low = !way.at_low || (rest_is_zero(sizes.low, way) && !sizes.low_open);
      const bool under_high = !way.at_high || !rest_is_zero(*sizes.high, way) || !sizes.high_open;
      return over_low && under_high;
    });
  }

 private:
  static bool rest_is_zero(const Decimal& limit, const Way& way) {
    const int32_t read = way.behind_point() ? way.fraction_digits() : 0;
    return limit.fraction.size() <= static_cast<size_t>(read);
  }

  void begin(bool is_negative, uint8_t byte, Position& reached) const {
    const Sizes& sizes = sizes_[is_negative ? 1 : 0];
    if (!sizes.possible) return;
    for (size_t length = 1; length <= most_; ++length) {
      if (length > 1 && byte == '0') break;
      if (length < sizes.low.whole.size()) continue;
      if (sizes.high && length > sizes.high->whole.size()) break;
      Way way;
      way.negative = is_negative;
      way.length = static_cast<int32_t>(length);
      way.at_low = length == sizes.low.whole.size();
      way.at_high = sizes.high && length == sizes.high->whole.size();
      go_on(way, byte, reached);
    }
  }

  void go_on(Way way, uint8_t byte, Position& reached) const {
    if (byte == '.') {
      if (way.read != way.length || way.length >= limits_.max_digits) return;
      ++way.read;
      reached.push_back(way.code());
      return;
    }
    if (way.read == way.length) return;
    if (way.behind_point() && way.length + way.fraction_digits() >= limits_.max_digits) return;
    const Sizes& sizes = sizes_[way.negative ? 1 : 0];
    const auto digit_of = [&](const Decimal& limit) {
      const auto place = static_cast<size_t>(way.behind_point() ? way.fraction_digits() : way.read);
      const std::string& digits = way.behind_point() ? limit.fraction : limit.whole;
      return place < digits.size() ? digits[place] : '0';
    };
    const char digit = static_cast<char>(byte);
    if (way.at_low && digit < digit_of(sizes.low)) return;
    if (way.at_high && digit > digit_of(*sizes.high)) return;
    way.at_low = way.at_low && digit == digit_of(sizes.low);
    way.at_high = way.at_high && digit == digit_of(*sizes.high);
    ++way.read;
    reached.push_back(way.code());
  }

  const NumberLimits& limits_;
  std::array<Sizes, 2> sizes_;  // of numbers >= 0, of those below
  size_t most_ = 0;             // digits before the point
};

}  // namespace

std::optional<Decimal> read_decimal(std::string_view text) {
  Decimal value;
  if (text.empty() || text.size() > kMaxWritten) return std::nullopt;
  if (text[0] == '-') {
    value.negative = true;
    text.remove_prefix(1);
  }
  int64_t exponent = 0;
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view written = text.substr(e + 1);
    if (!written.empty() && written[0] == '+') written.remove_prefix(1);
    std::from_chars(written.data(), written.data() + written.size(), exponent);
    if (exponent > kMaxExponent || exponent < -kMaxExponent) return std::nullopt;
    text = text.substr(0, e);
  }
  const size_t point = text.find('.');
  std::string whole(text.substr(0, point));
  std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));
  for (; exponent > 0; --exponent) {
    whole += fraction.empty() ? '0' : fraction[0];
    if (!fraction.empty()) fraction.erase(0, 1);
  }
  for (; exponent < 0; ++exponent) {
    fraction.insert(0, 1, whole.empty() ? '0' : whole.back());
    if (!whole.empty()) whole.pop_back();
  }
  whole.erase(0, whole.find_first_not_of('0'));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  value.whole = whole.empty() ? "0" : whole;
  value.fraction = fraction;
  if (value.is_zero()) value.negative = false;
  return value;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  return a.negative ? compare_sizes(b, a) : compare_sizes(a, b);
}

Dfa make_number_range(const NumberLimits& limits, const std::string& where) {
  const RangeWalk walk(limits);
  const auto step = [&](const Position& at, uint8_t byte, Position& reached) {
    return walk.step(at, byte, reached);
  };
  const auto mark = [&](const Position& at) {
    return PositionMark{at[0] >= 0 && walk.accepts(at) ? 0 : -1, false};
  };
  std::vector<std::array<uint8_t, 2>> ranges = {{'-', '-'}, {'.', '.'}};
  for (uint8_t digit = '0'; digit <= '9'; ++digit) ranges.push_back({digit, digit});
  return Dfa(ByteClasses(ranges), {{-1}, step, mark, 200'000}, where);
}

Dfa make_free_number(int32_t max_digits) {
  const std::string more = std::to_string(std::max(max_digits - 1, 0));
  const std::string digits = std::to_string(std::max(max_digits, 1));
  return compile_plain_pattern(
      "-?(0|[1-9]\\d{0," + more + "})(\\.\\d{1," + digits + "})?([eE][+-]?\\d{1,2})?", "numbers");
}

}  // namespace onmal::json

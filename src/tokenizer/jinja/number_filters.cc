#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/operators.h"

namespace onmal::jinja {
namespace {

// A string as Python's int() and float() read it: without white space around, with single
// underscores between digits. Empty when it is malformed.
std::string number_word(const Text& text) {
  const std::string word = encode_text(strip_text(text, nullptr, true, true));
  std::string plain;
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] != '_') {
      plain += word[i];
    } else if (i == 0 || i + 1 == word.size() ||
               std::isxdigit(static_cast<unsigned char>(word[i - 1])) == 0 ||
               std::isxdigit(static_cast<unsigned char>(word[i + 1])) == 0) {
      return "";
    }
  }
  return plain;
}

std::optional<int64_t> parse_whole(Interpreter& interpreter, const Text& text, int64_t base) {
  std::string word = number_word(text);
  const bool below = !word.empty() && word[0] == '-';
  if (below || (!word.empty() && word[0] == '+')) word.erase(0, 1);
  const char letter = word.size() > 1 && word[0] == '0' ? static_cast<char>(word[1] | 0x20) : '\0';
  const int64_t named = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  if (named != 0 && (base == named || base == 0)) {
    word.erase(0, 2);
    base = named;
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36) return std::nullopt;
  int64_t number = 0;
  if (below) word.insert(word.begin(), '-');
  const auto [stop, error] =
      std::from_chars(word.data(), word.data() + word.size(), number, static_cast<int>(base));
  if (error == std::errc::result_out_of_range) interpreter.fail("a number is too large");
  if (error != std::errc() || stop != word.data() + word.size()) return std::nullopt;
  return number;
}

std::optional<double> parse_real(const Text& text) {
  const std::string word = number_word(text);
  if (word.empty()) return std::nullopt;
  // strtod reads more than Python does: hexadecimal numbers, "nan(…)".
  if (word.find_first_of("xXpP(") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(word.c_str(), &end);
  if (end != word.c_str() + word.size()) return std::nullopt;
  return number;
}

std::optional<int64_t> truncated(Interpreter& interpreter, std::optional<double> number) {
  if (!number || std::isnan(*number)) return std::nullopt;
  if (std::abs(*number) >= 9.2e18) interpreter.fail("a number is too large");
  return static_cast<int64_t>(*number);
}

Value to_int(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "int", arguments, {"default", "base"}, 2);
  std::optional<int64_t> result;
  interpreter.need_defined(subject);
  if (const Text* text = subject.text()) {
    result = parse_whole(interpreter, *text, bound.whole(1, 10));
    if (!result) result = truncated(interpreter, parse_real(*text));
  } else {
    result = subject.whole() ? subject.whole() : truncated(interpreter, subject.real());
  }
  return result ? Value(*result) : bound.value_or(0, Value(int64_t{0}));
}

Value to_float(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "float", arguments, {"default"}, 1);
  interpreter.need_defined(subject);
  const std::optional<double> result =
      subject.is_text() ? parse_real(*subject.text()) : subject.real();
  return result ? Value(*result) : bound.value_or(0, Value(0.0));
}

Value absolute(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "abs", arguments, {}, 0);
  interpreter.need_defined(subject);
  if (!subject.is_number()) interpreter.fail("'abs' needs a number");
  if (subject.is_float()) return Value(std::abs(*subject.real()));
  return *subject.whole() < 0 ? negative(interpreter, subject) : Value(*subject.whole());
}

// Half to even, as Python rounds: decimal digits are exact here, as the C library's are.
double round_to(double number, int64_t precision) {
  if (!std::isfinite(number) || precision > 300) return number;
  if (precision < -300) return std::copysign(0.0, number);
  if (precision >= 0) {
    char buffer[800];
    std::snprintf(buffer, sizeof(buffer), "%.*f", static_cast<int>(precision), number);
    return std::strtod(buffer, nullptr);
  }
  const double scale = std::pow(10.0, static_cast<double>(-precision));
  return std::nearbyint(number / scale) * scale;
}

Value rounded(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "round", arguments, {"precision", "method"}, 2);
  interpreter.need_defined(subject);
  if (!subject.is_number()) interpreter.fail("'round' needs a number");
  const int64_t precision = bound.whole(0, 0);
  const Text* method = bound.text(1);
  if (method == nullptr || equal_text(*method, "common")) {
    if (!subject.whole()) return Value(round_to(*subject.real(), precision));
    if (precision >= 0) return Value(*subject.whole());
    return Value(static_cast<int64_t>(round_to(*subject.real(), precision)));
  }
  const bool up = equal_text(*method, "ceil");
  if (!up && !equal_text(*method, "floor"))
    interpreter.fail("'round' knows common, ceil and floor");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = *subject.real() * scale;
  return Value((up ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

}  // namespace

std::span<const NamedMethod> number_filters() {
  static constexpr NamedMethod kFilters[] = {
      {"int", to_int}, {"float", to_float}, {"abs", absolute}, {"round", rounded}};
  return kFilters;
}

}  // namespace onmal::jinja

#include "tokenizer/jinja/format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "tokenizer/jinja/print.h"

namespace onmal::jinja {
namespace {

constexpr int64_t kMostWidth = 10'000;

struct Spec {
  char32_t fill = U' ';
  char32_t align = 0;  // < > ^ =
  bool sign = false;
  bool space = false;
  bool alternate = false;
  bool grouping = false;
  int64_t width = 0;
  int64_t precision = -1;
  char type = 0;
};

// A decimal number at `at`, which moves behind it; -1 when there is none.
int64_t read_number(Interpreter& interpreter, TextView text, size_t& at) {
  int64_t number = -1;
  for (; at < text.size() && code_of(text[at]) >= U'0' && code_of(text[at]) <= U'9'; ++at) {
    number = std::max<int64_t>(number, 0) * 10 + static_cast<int64_t>(code_of(text[at]) - U'0');
    if (number > kMostWidth) interpreter.fail("a format's width is too large");
  }
  return number;
}

Text padded(Text text, const Spec& spec, char32_t fallback_align) {
  const auto size = static_cast<int64_t>(text.size());
  if (size >= spec.width) return text;
  const auto missing = static_cast<size_t>(spec.width - size);
  const char32_t align = spec.align == 0 ? fallback_align : spec.align;
  if (align == U'<') return text + Text(missing, spec.fill);
  if (align == U'^')
    return Text(missing / 2, spec.fill) + text + Text(missing - missing / 2, spec.fill);
  const bool signed_text = !text.empty() && (code_of(text[0]) == U'-' || code_of(text[0]) == U'+' ||
                                             code_of(text[0]) == U' ');
  if (align == U'=' && signed_text)
    return text.substr(0, 1) + Text(missing, spec.fill) + text.substr(1);
  return Text(missing, spec.fill) + text;
}

std::string grouped(std::string digits) {
  const size_t begin = !digits.empty() && (digits[0] == '-' || digits[0] == '+') ? 1 : 0;
  size_t end = digits.find_first_of(".e%");
  if (end == std::string::npos) end = digits.size();
  for (size_t at = end; at > begin + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string integer_text(int64_t number, const Spec& spec) {
  const bool below = number < 0;
  uint64_t rest =
      below ? uint64_t{0} - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  const char lower = static_cast<char>(spec.type | 0x20);
  const unsigned base = lower == 'x' ? 16 : lower == 'o' ? 8 : lower == 'b' ? 2 : 10;
  const char* digits = spec.type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), digits[rest % base]);
    rest /= base;
  } while (rest > 0);
  if (spec.alternate && base != 10) text.insert(0, {'0', spec.type});
  if (below) text.insert(text.begin(), '-');
  return text;
}

std::string real_text(double number, const Spec& spec) {
  if (spec.type == 0 && spec.precision < 0) return float_text(number);
  const bool percent = spec.type == '%';
  char letter = spec.type == 0 ? 'g' : percent ? 'f' : spec.type;
  const std::string format = std::string("%") + (spec.alternate ? "#" : "") + ".*" + letter;
  const int precision =
      spec.precision < 0 ? 6 : static_cast<int>(std::min<int64_t>(spec.precision, 400));
  std::string text(1024, '\0');
  const int size = std::snprintf(text.data(), text.size(), format.c_str(), precision,
                                 percent ? number * 100 : number);
  text.resize(static_cast<size_t>(std::clamp(size, 0, 1023)));
  return percent ? text + "%" : text;
}

Text number_text(std::string text, const Spec& spec) {
  if (spec.grouping) text = grouped(std::move(text));
  if (spec.sign && text[0] != '-') text.insert(text.begin(), '+');
  if (!spec.sign && spec.space && text[0] != '-') text.insert(text.begin(), ' ');
  return ascii(text);
}

bool is_real_type(char type) {
  return type != 0 && std::string_view("eEfFgG%").find(type) != std::string_view::npos;
}
bool is_whole_type(char type) {
  return type != 0 && std::string_view("dioxXbu").find(type) != std::string_view::npos;
}

// "%…" -------------------------------------------------------------------------------------------

class PercentFormatter {
 public:
  PercentFormatter(Interpreter& interpreter, TextView format, const Value& value)
      : interpreter_(interpreter), format_(format), value_(value) {
    const List* list = value.list_or_null();
    if (list != nullptr && list->kind == List::Kind::kTuple) tuple_ = list;
  }

  Text run() {
    Text result;
    while (at_ < format_.size()) {
      const char32_t character = format_[at_++];
      if (code_of(character) != U'%') {
        result += character;
        continue;
      }
      result += conversion();
      interpreter_.check_size(result.size());
    }
    // Python takes lists, too, for something that keys may be looked up in.
    const bool mapping =
        value_.dict_or_null() != nullptr || (value_.list_or_null() != nullptr && tuple_ == nullptr);
    if (!mapping && used_ < (tuple_ != nullptr ? tuple_->items.size() : 1)) {
      interpreter_.fail("not all values were used by a format");
    }
    return result;
  }

 private:
  char32_t peek() const { return at_ < format_.size() ? code_of(format_[at_]) : 0; }

  const Value& next_value() {
    const size_t given = tuple_ != nullptr ? tuple_->items.size() : 1;
    if (used_ >= given) interpreter_.fail("a format needs more values than it got");
    return tuple_ != nullptr ? tuple_->items[used_++] : (++used_, value_);
  }

  Text conversion() {
    const Value* named = nullptr;
    if (peek() == U'(') {
      const size_t close = format_.find(U')', at_);
      if (close == TextView::npos) interpreter_.fail("a format's key is not closed");
      const Dict* dict = value_.dict_or_null();
      if (dict == nullptr) interpreter_.fail("a format with keys needs a dictionary");
      named = dict->find(Value(Text(format_.substr(at_ + 1, close - at_ - 1))));
      if (named == nullptr) interpreter_.fail("a format names a key that is not there");
      at_ = close + 1;
    }
    Spec spec;
    bool zero = false;
    for (; at_ < format_.size(); ++at_) {
      if (peek() == U'-')
        spec.align = U'<';
      else if (peek() == U'0')
        zero = true;
      else if (peek() == U'+')
        spec.sign = true;
      else if (peek() == U' ')
        spec.space = true;
      else if (peek() == U'#')
        spec.alternate = true;
      else
        break;
    }
    spec.width = std::max<int64_t>(read_number(interpreter_, format_, at_), 0);
    if (peek() == U'.') {
      ++at_;
      spec.precision = std::max<int64_t>(read_number(interpreter_, format_, at_), 0);
    }
    if (peek() == U'l' || peek() == U'h' || peek() == U'L') ++at_;
    if (at_ >= format_.size()) interpreter_.fail("a format is not complete");
    const char32_t type = code_of(format_[at_++]);
    if (type == U'%') return U"%";
    spec.type = type < 0x80 ? static_cast<char>(type) : '?';
    if (zero && spec.align == 0) {
      spec.align = U'=';
      spec.fill = U'0';
    }
    return formatted(spec, named != nullptr ? *named : next_value());
  }

  Text formatted(Spec spec, const Value& value) {
    if (spec.type == 's' || spec.type == 'r' || spec.type == 'a') {
      Text text = spec.type == 's' ? to_text(interpreter_, value) : to_repr(interpreter_, value);
      if (spec.precision >= 0)
        text.resize(std::min(text.size(), static_cast<size_t>(spec.precision)));
      if (spec.align == U'=') spec = Spec{.width = spec.width};
      return padded(std::move(text), spec, U'>');
    }
    if (spec.type == 'c' && value.is_text() && value.text()->size() == 1)
      return padded(*value.text(), spec, U'>');
    const auto real = value.real();
    if (!real) interpreter_.fail("a format needs a number, not " + std::string(value.type_name()));
    if (is_real_type(spec.type))
      return padded(number_text(real_text(*real, spec), spec), spec, U'>');
    if (!is_whole_type(spec.type)) interpreter_.fail("a format has an unknown letter");
    if (value.is_float() && (std::string_view("xXo").find(spec.type) != std::string_view::npos ||
                             !std::isfinite(*real) || std::abs(*real) >= 9e18)) {
      interpreter_.fail("a format needs an integer");
    }
    const int64_t whole = value.whole() ? *value.whole() : static_cast<int64_t>(*real);
    std::string digits = integer_text(whole, spec);
    const size_t sign = whole < 0 ? 1 : 0;
    if (spec.precision > 0 && digits.size() - sign < static_cast<size_t>(spec.precision)) {
      digits.insert(sign, static_cast<size_t>(spec.precision) - (digits.size() - sign), '0');
    }
    return padded(number_text(std::move(digits), spec), spec, U'>');
  }

  Interpreter& interpreter_;
  TextView format_;
  const Value& value_;
  const List* tuple_ = nullptr;
  size_t at_ = 0;
  size_t used_ = 0;
};

// "{…}" ------------------------------------------------------------------------------------------

class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, const Arguments& arguments)
      : interpreter_(interpreter), arguments_(arguments) {}

  Text run(TextView format, int nested) {
    Text result;
    for (size_t at = 0; at < format.size();) {
      const char32_t code = code_of(format[at]);
      const bool doubled = at + 1 < format.size() && code_of(format[at + 1]) == code;
      if ((code == U'{' || code == U'}') && doubled) {
        result += format[at];
        at += 2;
      } else if (code == U'{') {
        const size_t end = field_end(format, at + 1);
        result += field(format.substr(at + 1, end - at - 1), nested);
        at = end + 1;
      } else if (code == U'}') {
        interpreter_.fail("a format has a single '}'");
      } else {
        result += format[at++];
      }
      interpreter_.check_size(result.size());
    }
    return result;
  }

 private:
  size_t field_end(TextView format, size_t at) {
    int open = 1;
    for (; at < format.size(); ++at) {
      if (code_of(format[at]) == U'{') ++open;
      if (code_of(format[at]) == U'}' && --open == 0) return at;
    }
    interpreter_.fail("a format's '{' is not closed");
  }

  Text field(TextView text, int nested) {
    if (nested > 1) interpreter_.fail("a format nests too deep");
    size_t end = 0;
    int brackets = 0;
    for (; end < text.size(); ++end) {
      const char32_t code = code_of(text[end]);
      if (code == U'[') ++brackets;
      if (code == U']') --brackets;
      if (brackets <= 0 && (code == U'!' || code == U':')) break;
    }
    Value value = look_up(text.substr(0, end));
    if (end < text.size() && code_of(text[end]) == U'!') {
      const char32_t conversion = end + 1 < text.size() ? code_of(text[end + 1]) : 0;
      if (conversion != U's' && conversion != U'r')
        interpreter_.fail("a format has an unknown conversion");
      value =
          Value(conversion == U's' ? to_text(interpreter_, value) : to_repr(interpreter_, value));
      end += 2;
    }
    if (end < text.size() && code_of(text[end]) != U':')
      interpreter_.fail("a format's field is malformed");
    const Text spec = end < text.size() ? run(text.substr(end + 1), nested + 1) : Text();
    return formatted(spec, value);
  }

  Value look_up(TextView path) {
    size_t at = 0;
    while (at < path.size() && code_of(path[at]) != U'.' && code_of(path[at]) != U'[') ++at;
    Value value = first(path.substr(0, at));
    while (at < path.size()) {
      const bool bracket = code_of(path[at]) == U'[';
      size_t end = at + 1;
      while (end < path.size() &&
             (bracket ? code_of(path[end]) != U']'
                      : code_of(path[end]) != U'.' && code_of(path[end]) != U'['))
        ++end;
      const TextView key = path.substr(at + 1, end - at - 1);
      size_t digits = 0;
      const int64_t index = read_number(interpreter_, key, digits);
      const bool number = index >= 0 && digits == key.size();
      value = bracket ? interpreter_.item(value, number ? Value(index) : Value(Text(key)))
                      : interpreter_.attribute(value, encode_text(key));
      at = end + (bracket ? 1 : 0);
    }
    return value;
  }

  Value first(TextView name) {
    size_t digits = 0;
    int64_t index =
        name.empty() ? static_cast<int64_t>(automatic_++) : read_number(interpreter_, name, digits);
    if (name.empty() || (index >= 0 && digits == name.size())) {
      if (static_cast<size_t>(index) >= arguments_.positional.size())
        interpreter_.fail("a format needs more values than it got");
      return arguments_.positional[static_cast<size_t>(index)];
    }
    for (const auto& [key, value] : arguments_.named) {
      if (key == encode_text(name)) return value;
    }
    interpreter_.fail("a format names '" + encode_text(name) + "', which was not given");
  }

  Spec parse(TextView text) {
    Spec spec;
    size_t at = 0;
    const auto peek = [&] { return at < text.size() ? code_of(text[at]) : 0; };
    const auto aligns = [](char32_t c) { return c == U'<' || c == U'>' || c == U'^' || c == U'='; };
    if (text.size() > 1 && aligns(code_of(text[1]))) {
      spec.fill = text[0];
      spec.align = code_of(text[1]);
      at = 2;
    } else if (aligns(peek())) {
      spec.align = code_of(text[at++]);
    }
    if (peek() == U'+' || peek() == U'-' || peek() == U' ') {
      spec.sign = peek() == U'+';
      spec.space = peek() == U' ';
      ++at;
    }
    if (peek() == U'#') spec.alternate = (++at, true);
    if (peek() == U'0') {
      ++at;
      if (spec.align == 0) spec.align = U'=', spec.fill = U'0';
    }
    spec.width = std::max<int64_t>(read_number(interpreter_, text, at), 0);
    if (peek() == U',') spec.grouping = (++at, true);
    if (peek() == U'.') {
      ++at;
      spec.precision = read_number(interpreter_, text, at);
      if (spec.precision < 0) interpreter_.fail("a format lacks its precision");
    }
    if (at < text.size() && code_of(text[at]) < 0x80)
      spec.type = static_cast<char>(code_of(text[at++]));
    if (at != text.size()) interpreter_.fail("a format's specification is malformed");
    return spec;
  }

  Text formatted(TextView specification, const Value& value) {
    if (specification.empty()) return to_text(interpreter_, value);
    const Spec spec = parse(specification);
    if (value.is_text() && (spec.type == 0 || spec.type == 's')) {
      if (spec.align == U'=') interpreter_.fail("'=' aligns numbers only");
      Text text = *value.text();
      if (spec.precision >= 0)
        text.resize(std::min(text.size(), static_cast<size_t>(spec.precision)));
      return padded(std::move(text), spec, U'<');
    }
    const bool whole = value.whole() && (spec.type == 0 || is_whole_type(spec.type)) &&
                       !(spec.type == 0 && value.is_bool());
    if (whole) {
      if (spec.precision >= 0) interpreter_.fail("an integer's format has no precision");
      return padded(number_text(integer_text(*value.whole(), spec), spec), spec, U'>');
    }
    if (value.real() && (is_real_type(spec.type) || (spec.type == 0 && value.is_float()))) {
      return padded(number_text(real_text(*value.real(), spec), spec), spec, U'>');
    }
    interpreter_.fail("a format does not fit " + std::string(value.type_name()));
  }

  Interpreter& interpreter_;
  const Arguments& arguments_;
  size_t automatic_ = 0;
};

}  // namespace

Text format_percent(Interpreter& interpreter, TextView format, const Value& value) {
  return PercentFormatter(interpreter, format, value).run();
}

Text format_braces(Interpreter& interpreter, TextView format, const Arguments& arguments) {
  return BraceFormatter(interpreter, arguments).run(format, 0);
}

}  // namespace onmal::jinja

#include <algorithm>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/format.h"
#include "tokenizer/jinja/print.h"

namespace onmal::jinja {
namespace {

// A filter that is a method of str applied to whatever text a value has.
template <std::span<const NamedMethod> (*kMethods)(), const char* kName>
Value as_method(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  return find_method(kMethods(), kName)(interpreter, Value(to_text(interpreter, subject)),
                                        arguments);
}

constexpr char kUpper[] = "upper";
constexpr char kLower[] = "lower";
constexpr char kCapitalize[] = "capitalize";
constexpr char kTrim[] = "strip";

Value string(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "string", arguments, {}, 0);
  return Value(to_text(interpreter, subject));
}

// Words begin at the start and behind white space, '-' or an opening bracket.
Value title(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  constexpr std::string_view kBreaks = "-({[<";
  const Text text = to_text(interpreter, subject);
  const auto breaks = [&](char32_t c) {
    return is_space(c) || (code_of(c) < 0x80 && code_of(c) != 0 &&
                           kBreaks.find(static_cast<char>(code_of(c))) != std::string_view::npos);
  };
  Text result;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && breaks(text[end]) == breaks(text[at])) ++end;
    result += upper_text(TextView(text).substr(at, 1));
    result += lower_text(TextView(text).substr(at + 1, end - at - 1));
    at = end;
  }
  return Value(std::move(result));
}

Value replace(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "replace", arguments, {"old", "new", "count"}, 1);
  Arguments given;
  given.positional = {Value(to_text(interpreter, bound.value(0))),
                      Value(to_text(interpreter, bound.value(1)))};
  if (bound.given(2) && !bound.value(2).is_none()) given.positional.push_back(bound.value(2));
  return find_method(text_methods(), "replace")(interpreter, Value(to_text(interpreter, subject)),
                                                given);
}

Value center(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "center", arguments, {"width"}, 1);
  Arguments given;
  given.positional = {Value(bound.whole(0, 80))};
  return find_method(text_methods(), "center")(interpreter, Value(to_text(interpreter, subject)),
                                               given);
}

Value indent(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "indent", arguments, {"width", "first", "blank"}, 3);
  interpreter.need_defined(subject);
  if (!subject.is_text()) interpreter.fail("'indent' needs a string");
  const int64_t width = bound.given(0) && bound.value(0).is_text() ? 0 : bound.whole(0, 4);
  interpreter.check_size(static_cast<size_t>(std::max<int64_t>(width, 0)));
  const Text space = bound.given(0) && bound.value(0).is_text()
                         ? *bound.value(0).text()
                         : Text(static_cast<size_t>(std::max<int64_t>(width, 0)), U' ');
  const bool blank = bound.truth(2, false);
  Text result = bound.truth(1, false) ? space : Text();
  bool begun = false;
  for (const Text& line : split_lines(*subject.text() + U"\n", false)) {
    if (std::exchange(begun, true)) {
      result += U'\n';
      if (blank || !line.empty()) result += space;
    }
    result += line;
    interpreter.check_size(result.size());
  }
  interpreter.charge(static_cast<int64_t>(result.size() / 8));
  return Value(std::move(result));
}

Value escape(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  Text result;
  for (const char32_t c : to_text(interpreter, subject)) {
    const char32_t code = code_of(c);
    const char* name = code == U'&'    ? "&amp;"
                       : code == U'<'  ? "&lt;"
                       : code == U'>'  ? "&gt;"
                       : code == U'"'  ? "&#34;"
                       : code == U'\'' ? "&#39;"
                                       : nullptr;
    if (name == nullptr) result += c;
    for (; name != nullptr && *name != '\0'; ++name)
      result += marked_like(static_cast<unsigned char>(*name), c);
  }
  return Value(std::move(result));
}

void append_url(TextView text, bool in_query, Text& out) {
  constexpr std::string_view kSafe = "_.-~";
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char32_t c : text) {
    std::string bytes;
    append_encoded(c, bytes);
    for (const char byte : bytes) {
      const auto value = static_cast<unsigned char>(byte);
      const bool safe = (value >= '0' && value <= '9') || (value >= 'A' && value <= 'Z') ||
                        (value >= 'a' && value <= 'z') ||
                        kSafe.find(byte) != std::string_view::npos || (byte == '/' && !in_query);
      if (safe) {
        out += marked_like(value, c);
      } else if (byte == ' ' && in_query) {
        out += marked_like(U'+', c);
      } else {
        out += marked_like(U'%', c);
        out += marked_like(static_cast<unsigned char>(kDigits[value >> 4]), c);
        out += marked_like(static_cast<unsigned char>(kDigits[value & 15]), c);
      }
    }
  }
}

Value urlencode(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  Text result;
  if (subject.is_text() ||
      (subject.list_or_null() == nullptr && subject.dict_or_null() == nullptr)) {
    append_url(to_text(interpreter, subject), false, result);
    return Value(std::move(result));
  }
  const auto pair = [&](const Value& key, const Value& value) {
    if (!result.empty()) result += U'&';
    append_url(to_text(interpreter, key), true, result);
    result += U'=';
    append_url(to_text(interpreter, value), true, result);
    interpreter.check_size(result.size());
  };
  if (const Dict* dict = subject.dict_or_null()) {
    for (const auto& [key, value] : dict->items) pair(key, value);
    return Value(std::move(result));
  }
  for (const Value& item : interpreter.walk(subject)) {
    const std::vector<Value> parts = interpreter.walk(item);
    if (parts.size() != 2) interpreter.fail("'urlencode' needs pairs");
    pair(parts[0], parts[1]);
  }
  return Value(std::move(result));
}

Value wordcount(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  int64_t words = 0;
  bool inside = false;
  for (const char32_t c : to_text(interpreter, subject)) {
    const bool word = is_letter(c) || is_number(c) || code_of(c) == U'_';
    if (word && !inside) ++words;
    inside = word;
  }
  return Value(words);
}

Value format(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  if (!arguments.named.empty() && !arguments.positional.empty()) {
    interpreter.fail("'format' takes positional or named arguments, not both");
  }
  Value values = Value::list(arguments.positional, List::Kind::kTuple);
  if (!arguments.named.empty()) {
    values = Value::dict();
    for (const auto& [name, value] : arguments.named)
      values.dict_or_null()->set(Value::of_text(name), value);
  }
  return Value(format_percent(interpreter, to_text(interpreter, subject), values));
}

Value truncate(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "truncate", arguments,
                             {"length", "killwords", "end", "leeway"}, 4);
  if (!subject.is_text()) {
    // Short lists pass, as what has a length and is not cut.
    const Value size = interpreter.call_filter("length", subject, {});
    if (*size.whole() <= bound.whole(0, 255)) return subject;
    interpreter.fail("'truncate' needs a string");
  }
  const Text text = to_text(interpreter, subject);
  const Text end = bound.text(2) != nullptr ? *bound.text(2) : Text(U"...");
  const int64_t length = bound.whole(0, 255);
  const int64_t leeway = bound.whole(3, 5);
  const auto end_size = static_cast<int64_t>(end.size());
  if (length < end_size || leeway < 0)
    interpreter.fail("'truncate' has a length below its end's, or a negative leeway");
  if (static_cast<int64_t>(text.size()) - leeway <= length) return Value(text);
  Text kept = text.substr(0, static_cast<size_t>(length - end_size));
  if (!bound.truth(1, false)) {
    const size_t space = find_last_text(kept, U" ");
    if (space != TextView::npos) kept.resize(space);
  }
  return Value(kept + end);
}

Value to_json_filter(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "tojson", arguments,
                             {"ensure_ascii", "indent", "separators", "sort_keys"}, 4);
  JsonStyle style;
  style.ensure_ascii = bound.truth(0, false);
  style.sort_keys = bound.truth(3, false);
  if (bound.given(1) && !bound.value(1).is_none()) {
    style.indent = std::clamp<int64_t>(bound.whole(1, 0), 0, 100);
    style.item_separator = Text(1, U',');
  }
  if (bound.given(2) && !bound.value(2).is_none()) {
    const std::vector<Value> separators = interpreter.walk(bound.value(2));
    if (separators.size() != 2 || !separators[0].is_text() || !separators[1].is_text()) {
      interpreter.fail("'separators' must be two strings");
    }
    style.item_separator = *separators[0].text();
    style.key_separator = *separators[1].text();
  }
  return Value(to_json(interpreter, subject, style));
}

}  // namespace

std::span<const NamedMethod> text_filters() {
  static constexpr NamedMethod kFilters[] = {
      {"trim", as_method<text_methods, kTrim>},
      {"upper", as_method<text_methods, kUpper>},
      {"lower", as_method<text_methods, kLower>},
      {"capitalize", as_method<text_methods, kCapitalize>},
      {"title", title},
      {"string", string},
      {"safe", string},
      {"replace", replace},
      {"center", center},
      {"indent", indent},
      {"escape", escape},
      {"e", escape},
      {"forceescape", escape},
      {"urlencode", urlencode},
      {"wordcount", wordcount},
      {"format", format},
      {"truncate", truncate},
      {"tojson", to_json_filter},
  };
  return kFilters;
}

}  // namespace onmal::jinja

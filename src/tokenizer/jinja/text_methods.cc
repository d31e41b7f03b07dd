#include <algorithm>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/format.h"
#include "tokenizer/jinja/operators.h"

// Methods of strings that make or cut strings; those that ask are in text_queries.cc.
namespace onmal::jinja {
namespace {

Value texts(std::vector<Text> parts, List::Kind kind = List::Kind::kList) {
  std::vector<Value> items;
  for (Text& part : parts) items.emplace_back(std::move(part));
  return Value::list(std::move(items), kind);
}

template <bool kLeft, bool kRight>
Value strip(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "strip", arguments, {"chars"}, 1);
  return Value(Text(strip_text(*subject.text(), bound.text(0), kLeft, kRight)));
}

template <Text (*kMap)(TextView)>
Value mapped(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "a method without arguments", arguments, {}, 0);
  interpreter.charge(static_cast<int64_t>(subject.text()->size() / 8));
  return Value(kMap(*subject.text()));
}

template <std::vector<Text> (*kSplit)(TextView, const Text*, int64_t)>
Value split(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "split", arguments, {"sep", "maxsplit"}, 2);
  const Text* separator = bound.text(0);
  if (separator != nullptr && separator->empty()) interpreter.fail("an empty separator");
  charge_search(interpreter, *subject.text(), separator != nullptr ? *separator : Text());
  std::vector<Text> parts = kSplit(*subject.text(), separator, bound.whole(1, -1));
  interpreter.charge(static_cast<int64_t>(parts.size()));
  return texts(std::move(parts));
}

Value split_lines_method(Interpreter& interpreter, const Value& subject,
                         const Arguments& arguments) {
  const BoundArguments bound(interpreter, "splitlines", arguments, {"keepends"}, 1);
  std::vector<Text> lines = split_lines(*subject.text(), bound.truth(0, false));
  interpreter.charge(static_cast<int64_t>(lines.size()));
  return texts(std::move(lines));
}

template <bool kFromEnd>
Value partition(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "partition", arguments, {"sep"}, 0);
  const Text& text = *subject.text();
  const Text& separator = bound.needed_text(0);
  if (separator.empty()) interpreter.fail("an empty separator");
  charge_search(interpreter, text, separator);
  const size_t at = kFromEnd ? find_last_text(text, separator) : find_text(text, separator);
  if (at == TextView::npos) {
    return kFromEnd ? texts({Text(), Text(), text}, List::Kind::kTuple)
                    : texts({text, Text(), Text()}, List::Kind::kTuple);
  }
  return texts(
      {text.substr(0, at), text.substr(at, separator.size()), text.substr(at + separator.size())},
      List::Kind::kTuple);
}

Value replace(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "replace", arguments, {"old", "new", "count"}, 1);
  const Text& from = bound.needed_text(0);
  const Text& to = bound.needed_text(1);
  const Text& text = *subject.text();
  charge_search(interpreter, text, from);
  const size_t most = text.size() / std::max<size_t>(from.size(), 1) + 1;
  if (to.size() > from.size()) {
    if (most > size_t{1} << 31 || to.size() > size_t{1} << 31)
      interpreter.check_size(size_t{1} << 62);
    // Only what is really replaced counts.
    size_t found = from.empty() ? most : 0;
    for (size_t at = 0; !from.empty() && (at = find_text(text, from, at)) != TextView::npos;
         at += from.size())
      ++found;
    interpreter.check_size(text.size() + found * to.size());
    interpreter.charge(static_cast<int64_t>(found * to.size() / 8));
  }
  return Value(replace_text(text, from, to, bound.whole(2, -1)));
}

Value join(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "join", arguments, {"iterable"}, 0);
  interpreter.need_defined(bound.value(0));
  Text result;
  bool first = true;
  for (const Value& item : interpreter.walk(bound.value(0))) {
    if (!item.is_text())
      interpreter.fail("join() needs strings, not " + std::string(item.type_name()));
    if (!std::exchange(first, false)) result += *subject.text();
    result += *item.text();
    interpreter.check_size(result.size());
  }
  interpreter.charge(static_cast<int64_t>(result.size() / 8));
  return Value(std::move(result));
}

enum class Side { kLeft, kCenter, kRight };

template <Side kSide>
Value justify(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "justify", arguments, {"width", "fillchar"}, 1);
  const Text fill = bound.given(1) ? bound.needed_text(1) : Text(U" ");
  if (fill.size() != 1) interpreter.fail("a fill character must be one character");
  const Text& text = *subject.text();
  const int64_t missing = bound.whole(0, 0) - static_cast<int64_t>(text.size());
  if (missing <= 0) return subject;
  interpreter.check_size(static_cast<size_t>(missing) + text.size());
  interpreter.charge(missing / 8);
  // Python puts the odd one to the left when the width is odd.
  const int64_t left = kSide == Side::kRight  ? missing
                       : kSide == Side::kLeft ? 0
                                              : missing / 2 + (missing & bound.whole(0, 0) & 1);
  return Value(Text(static_cast<size_t>(left), fill[0]) + text +
               Text(static_cast<size_t>(missing - left), fill[0]));
}

Value zfill(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "zfill", arguments, {"width"}, 0);
  const Text& text = *subject.text();
  const int64_t missing = bound.whole(0, 0) - static_cast<int64_t>(text.size());
  if (missing <= 0) return subject;
  interpreter.check_size(static_cast<size_t>(missing) + text.size());
  interpreter.charge(missing / 8);
  const size_t sign =
      !text.empty() && (code_of(text[0]) == U'+' || code_of(text[0]) == U'-') ? 1 : 0;
  return Value(text.substr(0, sign) + Text(static_cast<size_t>(missing), U'0') + text.substr(sign));
}

template <bool kPrefix>
Value remove_affix(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "removeprefix", arguments, {"affix"}, 0);
  const Text& affix = bound.needed_text(0);
  const Text& text = *subject.text();
  if (affix.size() > text.size()) return subject;
  const size_t rest = text.size() - affix.size();
  const TextView place = TextView(text).substr(kPrefix ? 0 : rest, affix.size());
  if (!equal_text(place, TextView(affix))) return subject;
  return Value(kPrefix ? text.substr(affix.size()) : text.substr(0, rest));
}

Value expand_tabs(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "expandtabs", arguments, {"tabsize"}, 1);
  const int64_t width = std::clamp<int64_t>(bound.whole(0, 8), 0, 1000);
  Text result;
  int64_t column = 0;
  for (const char32_t character : *subject.text()) {
    if (code_of(character) == U'\t') {
      const int64_t missing = width == 0 ? 0 : width - column % width;
      result.append(static_cast<size_t>(missing), U' ');
      column += missing;
    } else {
      result += character;
      column = code_of(character) == U'\n' || code_of(character) == U'\r' ? 0 : column + 1;
    }
  }
  interpreter.check_size(result.size());
  return Value(std::move(result));
}

Value format(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  return Value(format_braces(interpreter, *subject.text(), arguments));
}

}  // namespace

std::span<const NamedMethod> text_methods() {
  static constexpr NamedMethod kMethods[] = {
      {"strip", strip<true, true>},
      {"lstrip", strip<true, false>},
      {"rstrip", strip<false, true>},
      {"upper", mapped<upper_text>},
      {"lower", mapped<lower_text>},
      {"casefold", mapped<lower_text>},
      {"title", mapped<title_text>},
      {"capitalize", mapped<capitalize_text>},
      {"swapcase", mapped<swap_case>},
      {"split", split<split_text>},
      {"rsplit", split<split_text_from_end>},
      {"splitlines", split_lines_method},
      {"partition", partition<false>},
      {"rpartition", partition<true>},
      {"replace", replace},
      {"join", join},
      {"ljust", justify<Side::kLeft>},
      {"rjust", justify<Side::kRight>},
      {"center", justify<Side::kCenter>},
      {"zfill", zfill},
      {"removeprefix", remove_affix<true>},
      {"removesuffix", remove_affix<false>},
      {"expandtabs", expand_tabs},
      {"format", format},
  };
  return kMethods;
}

}  // namespace onmal::jinja

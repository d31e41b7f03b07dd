#include <algorithm>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/builtins.h"

// Methods of strings that ask something.
namespace onmal::jinja {
namespace {

// The part text[begin:end] that some methods look at.
struct Part {
  TextView text;
  int64_t begin;
  bool exists;
};

Part part_of(const Text& text, const BoundArguments& bound) {
  const auto size = static_cast<int64_t>(text.size());
  const auto place = [&](int64_t at) {
    return at < 0 ? std::max<int64_t>(std::max(at, -size) + size, 0) : at;
  };
  const int64_t begin = place(bound.whole(1, 0));
  const int64_t end = std::min(place(bound.whole(2, size)), size);
  if (begin > size || begin > end) return {{}, begin, false};
  return {TextView(text).substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
          begin, true};
}

template <bool kStart>
Value affixed(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, kStart ? "startswith" : "endswith", arguments,
                             {"prefix", "start", "end"}, 2);
  const Part part = part_of(*subject.text(), bound);
  const auto fits = [&](const Value& affix) {
    interpreter.need_defined(affix);
    const Text* text = affix.text();
    if (text == nullptr)
      interpreter.fail("startswith() and endswith() need a string or a tuple of them");
    if (!part.exists || text->size() > part.text.size()) return false;
    return equal_text(part.text.substr(kStart ? 0 : part.text.size() - text->size(), text->size()),
                      TextView(*text));
  };
  const List* several = bound.value(0).list_or_null();
  if (several != nullptr && several->kind == List::Kind::kTuple) {
    return Value(std::any_of(several->items.begin(), several->items.end(), fits));
  }
  return Value(fits(bound.value(0)));
}

template <bool kLast, bool kNeeded>
Value find(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "find", arguments, {"sub", "start", "end"}, 2);
  const Part part = part_of(*subject.text(), bound);
  const Text& text = bound.needed_text(0);
  charge_search(interpreter, part.text, text);
  size_t at = TextView::npos;
  if (part.exists) at = kLast ? find_last_text(part.text, text) : find_text(part.text, text);
  if (at != TextView::npos) return Value(part.begin + static_cast<int64_t>(at));
  if (kNeeded) interpreter.fail("the part looked for is not in the string");
  return Value(int64_t{-1});
}

Value count(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "count", arguments, {"sub", "start", "end"}, 2);
  const Part part = part_of(*subject.text(), bound);
  const Text& text = bound.needed_text(0);
  charge_search(interpreter, part.text, text);
  if (!part.exists) return Value(int64_t{0});
  if (text.empty()) return Value::of_size(part.text.size() + 1);
  int64_t found = 0;
  for (size_t at = 0; (at = find_text(part.text, text, at)) != TextView::npos; at += text.size())
    ++found;
  return Value(found);
}

template <bool (*kClass)(char32_t)>
Value all_are(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "a method without arguments", arguments, {}, 0);
  const Text& text = *subject.text();
  return Value(!text.empty() && std::all_of(text.begin(), text.end(), kClass));
}

bool is_alphanumeric(char32_t c) { return is_letter(c) || is_number(c); }
bool is_ascii_code(char32_t c) { return code_of(c) < 0x80; }

// Cased characters are all of one case, and there is one.
template <bool kUpper>
Value all_cased(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "a method without arguments", arguments, {}, 0);
  const Text& text = *subject.text();
  const auto right = [](char32_t c) { return kUpper ? is_upper(c) : is_lower(c); };
  const auto wrong = [](char32_t c) { return is_title(c) || (kUpper ? is_lower(c) : is_upper(c)); };
  return Value(std::any_of(text.begin(), text.end(), right) &&
               std::none_of(text.begin(), text.end(), wrong));
}

Value titled(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "istitle", arguments, {}, 0);
  bool inside = false;
  bool any = false;
  for (const char32_t c : *subject.text()) {
    const bool upper = is_upper(c) || is_title(c);
    if ((upper && inside) || (is_lower(c) && !inside)) return Value(false);
    inside = upper || is_lower(c);
    any = any || inside;
  }
  return Value(any);
}

}  // namespace

std::span<const NamedMethod> more_text_methods() {
  static constexpr NamedMethod kMethods[] = {
      {"startswith", affixed<true>},
      {"endswith", affixed<false>},
      {"find", find<false, false>},
      {"rfind", find<true, false>},
      {"index", find<false, true>},
      {"rindex", find<true, true>},
      {"count", count},
      {"isalpha", all_are<is_letter>},
      {"isalnum", all_are<is_alphanumeric>},
      {"isdigit", all_are<is_digit>},
      {"isdecimal", all_are<is_decimal_digit>},
      {"isnumeric", all_are<is_number>},
      {"isspace", all_are<is_space>},
      {"isascii", all_are<is_ascii_code>},
      {"isupper", all_cased<true>},
      {"islower", all_cased<false>},
      {"istitle", titled},
  };
  return kMethods;
}

}  // namespace onmal::jinja

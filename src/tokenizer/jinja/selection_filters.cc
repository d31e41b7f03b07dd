#include <algorithm>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/builtins.h"

// Filters that apply another filter or a test to each item.
namespace onmal::jinja {

Value look_up_path(Interpreter& interpreter, const Value& value, const Value& path) {
  if (!path.is_text()) return interpreter.item(value, path);
  const Text dot = U".";
  Value result = value;
  for (Text& part : split_text(*path.text(), &dot, -1)) {
    const bool index =
        !part.empty() && part.size() < 10 && std::all_of(part.begin(), part.end(), [](char32_t c) {
          return code_of(c) >= U'0' && code_of(c) <= U'9';
        });
    result = interpreter.item(
        result, index ? Value(int64_t{std::stoi(encode_text(part))}) : Value(std::move(part)));
  }
  return result;
}

namespace {

Value attr(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "attr", arguments, {"name"}, 0);
  if (bound.text(0) == nullptr) interpreter.fail("'attr' needs a name");
  // Only what belongs to the type: a dictionary's keys do not count.
  if (subject.dict_or_null() != nullptr &&
      find_method(dict_methods(), encode_text(*bound.text(0))) == nullptr) {
    return Undefined{std::make_shared<const std::string>("a dictionary has no attribute '" +
                                                         encode_text(*bound.text(0)) + "'")};
  }
  return interpreter.attribute(subject, encode_text(*bound.text(0)));
}

// The name that comes first among the arguments, and the arguments behind it.
std::string take_name(Interpreter& interpreter, Arguments& arguments) {
  const Text* name = arguments.positional.empty() ? nullptr : arguments.positional[0].text();
  if (name == nullptr) interpreter.fail("the name of a filter or test is needed");
  std::string result = encode_text(*name);
  arguments.positional.erase(arguments.positional.begin());
  return result;
}

Value map(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  std::vector<Value> mapped;
  if (!subject.truth()) return Value::list({}, List::Kind::kLazy);
  if (arguments.positional.empty()) {
    const BoundArguments bound(interpreter, "map", arguments, {"attribute", "default"}, 1);
    for (const Value& item : interpreter.walk(subject)) {
      Value found = look_up_path(interpreter, item, bound.value(0));
      const bool missing = found.is_undefined() && bound.given(1) && !bound.value(1).is_none();
      mapped.push_back(missing ? bound.value(1) : std::move(found));
    }
  } else {
    Arguments rest = arguments;
    const std::string name = take_name(interpreter, rest);
    for (const Value& item : interpreter.walk(subject))
      mapped.push_back(interpreter.call_filter(name, item, rest));
  }
  return Value::list(std::move(mapped), List::Kind::kLazy);
}

template <bool kKeep, bool kAttribute>
Value select(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  if (!subject.truth()) return Value::list({}, List::Kind::kLazy);
  Arguments rest = arguments;
  Value path;
  if (kAttribute) {
    if (rest.positional.empty()) interpreter.fail("the name of an attribute is needed");
    path = rest.positional[0];
    rest.positional.erase(rest.positional.begin());
  }
  const bool tested = !rest.positional.empty();
  const std::string test = tested ? take_name(interpreter, rest) : "";
  std::vector<Value> kept;
  for (Value& item : interpreter.walk(subject)) {
    const Value looked_at = kAttribute ? look_up_path(interpreter, item, path) : item;
    const bool passes = tested ? interpreter.call_test(test, looked_at, rest) : looked_at.truth();
    if (passes == kKeep) kept.push_back(std::move(item));
  }
  return Value::list(std::move(kept), List::Kind::kLazy);
}

}  // namespace

std::span<const NamedMethod> selection_filters() {
  static constexpr NamedMethod kFilters[] = {
      {"attr", attr},
      {"map", map},
      {"select", select<true, false>},
      {"reject", select<false, false>},
      {"selectattr", select<true, true>},
      {"rejectattr", select<false, true>},
  };
  return kFilters;
}

}  // namespace onmal::jinja

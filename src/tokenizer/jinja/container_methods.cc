#include <algorithm>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/operators.h"

namespace onmal::jinja {
namespace {

Value get(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "get", arguments, {"key", "default"}, 1);
  const Dict& dict = *subject.dict_or_null();
  interpreter.charge(static_cast<int64_t>(dict.items.size() / 16));
  const Value* found = dict.find(bound.value(0));
  return found != nullptr ? *found : bound.value_or(1, None{});
}

Value items(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  std::vector<Value> pairs;
  for (const auto& [key, value] : subject.dict_or_null()->items) {
    pairs.push_back(Value::list({key, value}, List::Kind::kTuple));
  }
  interpreter.charge(static_cast<int64_t>(pairs.size()));
  return Value::list(std::move(pairs));
}

Value keys(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  return Value::list(interpreter.walk(subject));
}

Value values(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  std::vector<Value> held;
  for (const auto& [key, value] : subject.dict_or_null()->items) held.push_back(value);
  interpreter.charge(static_cast<int64_t>(held.size()));
  return Value::list(std::move(held));
}

Value copy(Interpreter& interpreter, const Value& subject, const Arguments& /*arguments*/) {
  if (const Dict* dict = subject.dict_or_null()) {
    interpreter.charge(static_cast<int64_t>(dict->items.size()));
    return Value(std::make_shared<Dict>(*dict));
  }
  return Value::list(interpreter.walk(subject));
}

Value index(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "index", arguments, {"value"}, 0);
  const std::vector<Value>& held = subject.list_or_null()->items;
  for (size_t i = 0; i < held.size(); ++i) {
    if (compare(interpreter, "==", held[i], bound.value(0))) return Value::of_size(i);
  }
  interpreter.fail("the value looked for is not in the list");
}

Value count(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "count", arguments, {"value"}, 0);
  const std::vector<Value>& held = subject.list_or_null()->items;
  return Value(
      static_cast<int64_t>(std::count_if(held.begin(), held.end(), [&](const Value& value) {
        return compare(interpreter, "==", value, bound.value(0));
      })));
}

// The sandbox that chat templates run in lets none of them change what it was given.
Value refuse_change(Interpreter& interpreter, const Value& subject,
                    const Arguments& /*arguments*/) {
  interpreter.fail("a template must not change a " + std::string(subject.type_name()) +
                   "; make a new one, with '+' or dict(…)");
}

}  // namespace

std::span<const NamedMethod> dict_methods() {
  static constexpr NamedMethod kMethods[] = {
      {"get", get},
      {"items", items},
      {"keys", keys},
      {"values", values},
      {"copy", copy},
      {"pop", refuse_change},
      {"popitem", refuse_change},
      {"update", refuse_change},
      {"setdefault", refuse_change},
      {"clear", refuse_change},
  };
  return kMethods;
}

std::span<const NamedMethod> list_methods() {
  static constexpr NamedMethod kMethods[] = {
      {"index", index},          {"count", count},          {"copy", copy},
      {"append", refuse_change}, {"extend", refuse_change}, {"insert", refuse_change},
      {"pop", refuse_change},    {"remove", refuse_change}, {"reverse", refuse_change},
      {"sort", refuse_change},   {"clear", refuse_change},
  };
  return kMethods;
}

}  // namespace onmal::jinja

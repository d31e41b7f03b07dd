#include "tokenizer/jinja/loop.h"

#include <algorithm>

#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/operators.h"

namespace onmal::jinja {
namespace {

Loop& loop_of(const Value& subject) { return *static_cast<Loop*>(subject.object()); }

Value call_cycle(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  return loop_of(subject).cycle(interpreter, arguments);
}

Value call_changed(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  return Value(loop_of(subject).changed(arguments.positional, interpreter));
}

}  // namespace

Loop::Loop(std::vector<Value> items, int64_t recursion, const Statement* statement,
           std::shared_ptr<Scope> scope)
    : items_(std::move(items)),
      recursion_(recursion),
      statement_(statement),
      scope_(std::move(scope)) {
  for (const Value& item : items_) depth = std::max(depth, deeper(depth_of(item)));
}

Value Loop::call(Interpreter& interpreter, const Arguments& arguments) {
  if (statement_ == nullptr)
    interpreter.fail("the loop is not 'recursive', so it cannot be called");
  if (arguments.positional.size() != 1 || !arguments.named.empty())
    interpreter.fail("loop() takes one argument");
  return Value(
      interpreter.render_recursive(*statement_, scope_, arguments.positional[0], recursion_ + 1));
}

std::optional<Value> Loop::attribute(const std::string& name) {
  if (name == "index") return Value::of_size(index_ + 1);
  if (name == "index0") return Value::of_size(index_);
  if (name == "revindex") return Value::of_size(items_.size() - index_);
  if (name == "revindex0") return Value::of_size(items_.size() - index_ - 1);
  if (name == "first") return Value(index_ == 0);
  if (name == "last") return Value(index_ + 1 == items_.size());
  if (name == "length") return Value::of_size(items_.size());
  if (name == "depth") return Value(recursion_ + 1);
  if (name == "depth0") return Value(recursion_);
  const auto undefined = [](const char* what) {
    return Value(Undefined{std::make_shared<const std::string>(what)});
  };
  if (name == "previtem")
    return index_ == 0 ? undefined("there is no previous item") : items_[index_ - 1];
  if (name == "nextitem")
    return index_ + 1 == items_.size() ? undefined("there is no next item") : items_[index_ + 1];
  return std::nullopt;
}

bool Loop::changed(std::vector<Value> values, Interpreter& interpreter) {
  const bool same =
      asked_ && values.size() == last_changed_.size() &&
      std::equal(values.begin(), values.end(), last_changed_.begin(),
                 [&](const Value& a, const Value& b) { return compare(interpreter, "==", a, b); });
  asked_ = true;
  for (const Value& value : values) {
    if (value.object() == this) interpreter.fail("loop.changed() cannot remember the loop");
    depth = std::max(depth, deeper(depth_of(value)));
  }
  last_changed_ = std::move(values);
  return !same;
}

Value Loop::cycle(Interpreter& interpreter, const Arguments& arguments) const {
  if (arguments.positional.empty()) interpreter.fail("loop.cycle() needs values");
  return arguments.positional[index_ % arguments.positional.size()];
}

std::optional<Value> loop_method(const Value& subject, const std::string& name) {
  if (dynamic_cast<Loop*>(subject.object()) == nullptr) return std::nullopt;
  if (name == "cycle") return bound_method("method", subject, call_cycle);
  if (name == "changed") return bound_method("method", subject, call_changed);
  return std::nullopt;
}

}  // namespace onmal::jinja

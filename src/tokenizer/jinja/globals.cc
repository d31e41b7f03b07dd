#include <algorithm>
#include <ctime>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/print.h"

namespace onmal::jinja {
namespace {

class Namespace : public Object {
 public:
  explicit Namespace(std::shared_ptr<Dict> values) : values_(std::move(values)) {}
  std::string_view type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(const std::string& name) override {
    const Value* found = values_->find(name);
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  void set(const std::string& name, Value value) {
    values_->set(Value::of_text(name), std::move(value));
  }

 private:
  std::shared_ptr<Dict> values_;
};

// A list and a place in it, for cycler(); or a separator that is left out once, for joiner().
class Cycler : public Object {
 public:
  explicit Cycler(std::vector<Value> values) : values_(std::move(values)) {
    for (const Value& value : values_) depth = std::max(depth, deeper(depth_of(value)));
  }
  std::string_view type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(const std::string& name) override {
    if (name == "current") return values_[at_];
    return std::nullopt;
  }
  Value next() {
    const Value value = values_[at_];
    at_ = (at_ + 1) % values_.size();
    return value;
  }
  void reset() { at_ = 0; }

 private:
  std::vector<Value> values_;
  size_t at_ = 0;
};

class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {
    depth = deeper(depth_of(separator_));
  }
  std::string_view type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Value call(Interpreter& /*interpreter*/, const Arguments& /*arguments*/) override {
    if (used_) return separator_;
    used_ = true;
    return Value(Text());
  }

 private:
  Value separator_;
  bool used_ = false;
};

// A cycler whose methods are found as attributes.
class CyclerValue : public Object {
 public:
  explicit CyclerValue(std::shared_ptr<Cycler> cycler) : cycler_(std::move(cycler)) {
    depth = cycler_->depth;
  }
  std::string_view type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(const std::string& name) override {
    const Value subject(std::static_pointer_cast<Object>(cycler_));
    if (name == "next") {
      return bound_method("method", subject, [](Interpreter&, const Value& held, const Arguments&) {
        return static_cast<Cycler*>(held.object())->next();
      });
    }
    if (name == "reset") {
      return bound_method("method", subject, [](Interpreter&, const Value& held, const Arguments&) {
        static_cast<Cycler*>(held.object())->reset();
        return Value(None{});
      });
    }
    return cycler_->attribute(name);
  }

 private:
  std::shared_ptr<Cycler> cycler_;
};

Value make_range(Interpreter& interpreter, const Value& /*subject*/, const Arguments& arguments) {
  constexpr uint64_t kMost = 100'000;  // Jinja's own bound in its sandbox
  const BoundArguments bound(interpreter, "range", arguments, {"start", "stop", "step"}, 2);
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    if (!bound.value(i).whole()) interpreter.fail("range() needs integers");
  }
  int64_t begin = bound.whole(0, 0);
  int64_t end = bound.whole(1, 0);
  if (!bound.given(1)) end = std::exchange(begin, 0);
  const int64_t step = bound.whole(2, 1);
  if (step == 0) interpreter.fail("range() has a step of zero");
  const bool any = step > 0 ? begin < end : begin > end;
  const uint64_t span = !any       ? 0
                        : step > 0 ? static_cast<uint64_t>(end) - static_cast<uint64_t>(begin)
                                   : static_cast<uint64_t>(begin) - static_cast<uint64_t>(end);
  const uint64_t width =
      step > 0 ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
  const uint64_t count = any ? (span - 1) / width + 1 : 0;
  if (count > kMost) interpreter.fail("range() is longer than 100000");
  interpreter.charge(static_cast<int64_t>(count));
  std::vector<Value> items;
  for (uint64_t i = 0; i < count; ++i) {
    items.emplace_back(
        static_cast<int64_t>(static_cast<uint64_t>(begin) + i * static_cast<uint64_t>(step)));
  }
  return Value::list(std::move(items));
}

Value make_dict(Interpreter& interpreter, const Value& /*subject*/, const Arguments& arguments) {
  Value made = Value::dict();
  Dict& dict = *made.dict_or_null();
  if (arguments.positional.size() > 1) interpreter.fail("dict() takes one positional argument");
  if (arguments.positional.size() == 1) {
    const Value& source = arguments.positional[0];
    if (const Dict* other = source.dict_or_null()) {
      dict = *other;
    } else {
      for (const Value& pair : interpreter.walk(source)) {
        const std::vector<Value> parts = interpreter.walk(pair);
        if (parts.size() != 2) interpreter.fail("dict() needs pairs");
        dict.set(parts[0], parts[1]);
        interpreter.charge(static_cast<int64_t>(dict.items.size() / 8));
      }
    }
  }
  for (const auto& [name, value] : arguments.named) dict.set(Value::of_text(name), value);
  return made;
}

Value make_namespace(Interpreter& interpreter, const Value& subject, const Arguments& arguments) {
  auto values = std::make_shared<Dict>(*make_dict(interpreter, subject, arguments).dict_or_null());
  interpreter.remember(values);
  return Value(Value::ObjectPtr(std::make_shared<Namespace>(std::move(values))));
}

Value make_cycler(Interpreter& interpreter, const Value& /*subject*/, const Arguments& arguments) {
  if (arguments.positional.empty()) interpreter.fail("cycler() needs values");
  return Value(Value::ObjectPtr(
      std::make_shared<CyclerValue>(std::make_shared<Cycler>(arguments.positional))));
}

Value make_joiner(Interpreter& interpreter, const Value& /*subject*/, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "joiner", arguments, {"sep"}, 1);
  return Value(Value::ObjectPtr(std::make_shared<Joiner>(bound.value_or(0, Value::of_text(", ")))));
}

Value raise_exception(Interpreter& interpreter, const Value& /*subject*/,
                      const Arguments& arguments) {
  const BoundArguments bound(interpreter, "raise_exception", arguments, {"message"}, 0);
  interpreter.fail("the template refuses: " + encode_text(to_text(interpreter, bound.value(0))));
}

Value strftime_now(Interpreter& interpreter, const Value& /*subject*/, const Arguments& arguments) {
  const BoundArguments bound(interpreter, "strftime_now", arguments, {"format"}, 0);
  const Text* format = bound.text(0);
  if (format == nullptr || format->size() > 1000)
    interpreter.fail("strftime_now() needs a short format");
  std::tm fields{};
  const std::time_t now = interpreter.now();
  localtime_r(&now, &fields);
  // A mark behind it, since an empty result is told by size 0.
  const std::string pattern = encode_text(*format) + "|";
  std::string text(16384, '\0');
  const size_t size = std::strftime(text.data(), text.size(), pattern.c_str(), &fields);
  if (size == 0) interpreter.fail("strftime_now() cannot write this format");
  text.resize(size - 1);
  return Value::of_text(text);
}

}  // namespace

bool set_namespace(const Value& object, const std::string& name, Value value) {
  auto* space = dynamic_cast<Namespace*>(object.object());
  if (space != nullptr) space->set(name, std::move(value));
  return space != nullptr;
}

std::vector<std::pair<std::string, Value>> global_functions() {
  constexpr NamedMethod kFunctions[] = {
      {"range", make_range},          {"dict", make_dict},     {"namespace", make_namespace},
      {"cycler", make_cycler},        {"joiner", make_joiner}, {"raise_exception", raise_exception},
      {"strftime_now", strftime_now},
  };
  std::vector<std::pair<std::string, Value>> functions;
  for (const NamedMethod& function : kFunctions) {
    functions.emplace_back(std::string(function.name),
                           native_function("function", function.method));
  }
  return functions;
}

}  // namespace onmal::jinja

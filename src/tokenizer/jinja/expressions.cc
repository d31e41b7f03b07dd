#include <algorithm>

#include "base/error.h"
#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/lexer.h"
#include "tokenizer/jinja/loop.h"
#include "tokenizer/jinja/operators.h"

namespace onmal::jinja {

using ExpressionKind = Expression::Kind;

namespace {

std::string in_quotes(std::string_view text) { return std::string("'").append(text).append("'"); }

Value undefined(const std::string& what) {
  return Undefined{std::make_shared<const std::string>(what)};
}

class Macro : public Object {
 public:
  Macro(std::shared_ptr<const MacroDefinition> definition, std::shared_ptr<Scope> scope)
      : definition_(std::move(definition)), scope_(std::move(scope)) {}
  std::string_view type_name() const override { return "Macro"; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, const Arguments& arguments) override {
    return interpreter.call_macro(*definition_, scope_, arguments);
  }
  std::optional<Value> attribute(const std::string& name) override {
    if (name == "name") return Value::of_text(definition_->name);
    return std::nullopt;
  }

 private:
  std::shared_ptr<const MacroDefinition> definition_;
  std::shared_ptr<Scope> scope_;
};

class Bound : public Object {
 public:
  Bound(std::string_view type, Value subject, Method method)
      : type_(type), subject_(std::move(subject)), method_(method) {
    depth = deeper(depth_of(subject_));
  }
  std::string_view type_name() const override { return type_; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, const Arguments& arguments) override {
    return method_(interpreter, subject_, arguments);
  }

 private:
  std::string_view type_;
  Value subject_;
  Method method_;
};

}  // namespace

Method find_method(std::span<const NamedMethod> methods, std::string_view name) {
  const auto found = std::find_if(methods.begin(), methods.end(),
                                  [&](const NamedMethod& m) { return m.name == name; });
  return found == methods.end() ? nullptr : found->method;
}

Value bound_method(std::string_view type_name, const Value& subject, Method method) {
  return Value(Value::ObjectPtr(std::make_shared<Bound>(type_name, subject, method)));
}

Value native_function(std::string_view name, Method method) {
  return bound_method(name, None{}, method);
}

Value Interpreter::macro_value(std::shared_ptr<const MacroDefinition> macro,
                               std::shared_ptr<Scope> scope) {
  return Value(Value::ObjectPtr(std::make_shared<Macro>(std::move(macro), std::move(scope))));
}

Value Interpreter::evaluate(const Expression& expression) {
  const Depth depth(*this);
  charge(1);
  line_ = expression.line;
  const auto part = [&](size_t i) { return evaluate(*expression.parts[i]); };
  switch (expression.kind) {
    case ExpressionKind::kConstant:
      return expression.value;
    case ExpressionKind::kName:
      return name(expression);
    case ExpressionKind::kList:
      return Value::list(all(expression.parts));
    case ExpressionKind::kTuple:
      return Value::list(all(expression.parts), List::Kind::kTuple);
    case ExpressionKind::kDict:
      return dict(expression);
    case ExpressionKind::kAttribute:
      return attribute(part(0), expression.name);
    case ExpressionKind::kItem: {
      const Value subject = part(0);
      return item(subject, part(1));
    }
    case ExpressionKind::kSlice:
      return slice(expression);
    case ExpressionKind::kCall:
      return call(expression);
    case ExpressionKind::kFilter: {
      const Value subject = expression.parts[0] == nullptr ? *scope_->find("") : part(0);
      return call_filter(expression.name, subject, arguments(expression.call));
    }
    case ExpressionKind::kTest: {
      const Value subject = part(0);
      return Value(call_test(expression.name, subject, arguments(expression.call)));
    }
    case ExpressionKind::kNot:
      return Value(!part(0).truth());
    case ExpressionKind::kNegative:
      return negative(*this, part(0));
    case ExpressionKind::kPositive:
      return arithmetic(*this, "+", Value(int64_t{0}), part(0));
    case ExpressionKind::kAnd: {
      Value left = part(0);
      return left.truth() ? part(1) : left;
    }
    case ExpressionKind::kOr: {
      Value left = part(0);
      return left.truth() ? left : part(1);
    }
    case ExpressionKind::kBinary: {
      const Value left = part(0);
      return arithmetic(*this, expression.name, left, part(1));
    }
    case ExpressionKind::kCompare:
      return compare(expression);
    case ExpressionKind::kConditional:
      return conditional(expression);
  }
  return {};
}

Value Interpreter::name(const Expression& expression) {
  const Value* found = scope_->find(expression.name);
  return found != nullptr ? *found : undefined(in_quotes(expression.name) + " is undefined");
}

std::vector<Value> Interpreter::all(const std::vector<ExpressionPtr>& expressions) {
  std::vector<Value> values;
  for (const ExpressionPtr& expression : expressions) values.push_back(evaluate(*expression));
  return values;
}

Value Interpreter::dict(const Expression& expression) {
  Value made = Value::dict();
  for (size_t i = 0; i < expression.parts.size(); i += 2) {
    const Value key = evaluate(*expression.parts[i]);
    const bool list =
        key.list_or_null() != nullptr && key.list_or_null()->kind != List::Kind::kTuple;
    if (key.dict_or_null() != nullptr || list)
      fail("a key of a dictionary must not be a " + std::string(key.type_name()));
    made.dict_or_null()->set(key, evaluate(*expression.parts[i + 1]));
    charge(static_cast<int64_t>(i / 16));
  }
  return made;
}

Value Interpreter::compare(const Expression& expression) {
  Value left = evaluate(*expression.parts[0]);
  for (size_t i = 0; i < expression.operators.size(); ++i) {
    Value right = evaluate(*expression.parts[i + 1]);
    if (!jinja::compare(*this, expression.operators[i], left, right)) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Interpreter::conditional(const Expression& expression) {
  if (evaluate(*expression.parts[0]).truth()) return evaluate(*expression.parts[1]);
  if (expression.parts[2] != nullptr) return evaluate(*expression.parts[2]);
  return undefined("an inline 'if' evaluated to false and has no 'else'");
}

Value Interpreter::slice(const Expression& expression) {
  const Value subject = evaluate(*expression.parts[0]);
  std::vector<Value> bounds;
  for (size_t i = 1; i < 4; ++i) {
    bounds.push_back(expression.parts[i] == nullptr ? Value(None{})
                                                    : evaluate(*expression.parts[i]));
  }
  need_defined(subject);
  if (const Text* text = subject.text()) {
    Text result;
    for (const size_t place : slice_places(*this, text->size(), bounds[0], bounds[1], bounds[2]))
      result += (*text)[place];
    return Value(std::move(result));
  }
  const List* list = subject.list_or_null();
  if (list == nullptr || list->kind == List::Kind::kLazy) {
    fail("a " + std::string(subject.type_name()) + " cannot be sliced");
  }
  std::vector<Value> items;
  for (const size_t place :
       slice_places(*this, list->items.size(), bounds[0], bounds[1], bounds[2]))
    items.push_back(list->items[place]);
  return Value::list(std::move(items), list->kind);
}

Arguments Interpreter::arguments(const Expression::Call& call) {
  Arguments result;
  result.positional = all(call.positional);
  for (const auto& [name, expression] : call.named)
    result.named.emplace_back(name, evaluate(*expression));
  if (call.rest != nullptr) {
    for (Value& value : walk(evaluate(*call.rest))) result.positional.push_back(std::move(value));
  }
  if (call.named_rest != nullptr) {
    const Value rest = evaluate(*call.named_rest);
    if (rest.dict_or_null() == nullptr) fail("'**' needs a dictionary");
    for (const auto& [key, value] : rest.dict_or_null()->items) {
      if (!key.is_text()) fail("names of arguments must be strings");
      result.named.emplace_back(encode_text(*key.text()), value);
    }
  }
  return result;
}

Value Interpreter::call(const Expression& expression) {
  const Value callable = evaluate(*expression.parts[0]);
  const Arguments given = arguments(expression.call);
  line_ = expression.line;
  return call(callable, given);
}

Value Interpreter::call(const Value& callable, const Arguments& given) {
  const Depth depth(*this);
  need_defined(callable);
  Object* object = callable.object();
  if (object == nullptr || !object->callable())
    fail("a value of the type " + std::string(callable.type_name()) + " cannot be called");
  const Value keep = callable;  // the call may replace the name it was found under
  return object->call(*this, given);
}

std::optional<Value> Interpreter::own_attribute(const Value& subject, const std::string& name) {
  Method method = nullptr;
  if (subject.is_text()) {
    method = find_method(text_methods(), name);
    if (method == nullptr) method = find_method(more_text_methods(), name);
  } else if (subject.dict_or_null() != nullptr) {
    method = find_method(dict_methods(), name);
  } else if (const List* list = subject.list_or_null();
             list != nullptr && list->kind != List::Kind::kLazy) {
    if (list->items.size() == 2 && list->kind == List::Kind::kTuple && name == "grouper")
      return list->items[0];
    if (list->items.size() == 2 && list->kind == List::Kind::kTuple && name == "list")
      return list->items[1];
    method = find_method(list_methods(), name);
  } else if (Object* object = subject.object()) {
    if (auto found = object->attribute(name)) return found;
    return loop_method(subject, name);
  }
  if (method == nullptr) return std::nullopt;
  return bound_method("builtin_function_or_method", subject, method);
}

std::optional<Value> Interpreter::item_or_none(const Value& subject, const Value& key) {
  if (const Dict* dict = subject.dict_or_null()) {
    charge(static_cast<int64_t>(dict->items.size() / 16));
    const Value* found = dict->find(key);
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  if (Object* object = subject.object()) return object->item(key);
  const auto index = key.whole();
  const List* list = subject.list_or_null();
  if (!index || (list != nullptr && list->kind == List::Kind::kLazy) ||
      (list == nullptr && !subject.is_text())) {
    return std::nullopt;
  }
  const auto size =
      static_cast<int64_t>(list != nullptr ? list->items.size() : subject.text()->size());
  const int64_t place = *index < 0 ? *index + size : *index;
  if (place < 0 || place >= size) return std::nullopt;
  if (list != nullptr) return list->items[static_cast<size_t>(place)];
  return Value(Text(1, (*subject.text())[static_cast<size_t>(place)]));
}

Value Interpreter::attribute(const Value& subject, const std::string& name) {
  need_defined(subject);
  if (auto found = own_attribute(subject, name)) return *found;
  if (auto found = item_or_none(subject, Value::of_text(name))) return *found;
  return undefined(in_quotes(subject.type_name()) + " has no attribute " + in_quotes(name));
}

Value Interpreter::item(const Value& subject, const Value& key) {
  need_defined(subject);
  if (auto found = item_or_none(subject, key)) return *found;
  if (const Text* name = key.text()) {
    if (auto found = own_attribute(subject, encode_text(*name))) return *found;
    return undefined(in_quotes(subject.type_name()) + " has no attribute " +
                     in_quotes(encode_text(*name)));
  }
  return undefined(in_quotes(subject.type_name()) + " has no such item");
}

Value Interpreter::call_filter(const std::string& filter, const Value& subject,
                               const Arguments& given) {
  for (const auto filters :
       {text_filters(), number_filters(), sequence_filters(), selection_filters()}) {
    if (const Method method = find_method(filters, filter)) return method(*this, subject, given);
  }
  throw Error(ErrorCode::kUnsupported, at_line(where_, line_),
              "there is no filter '" + filter + "'");
}

bool Interpreter::call_test(const std::string& test, const Value& subject, const Arguments& given) {
  for (const NamedPredicate& known : predicates()) {
    if (known.name == test) return known.predicate(*this, subject, given);
  }
  throw Error(ErrorCode::kUnsupported, at_line(where_, line_), "there is no test '" + test + "'");
}

}  // namespace onmal::jinja

#include "tokenizer/jinja/interpreter.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "tokenizer/jinja/builtins.h"
#include "tokenizer/jinja/lexer.h"
#include "tokenizer/jinja/loop.h"
#include "tokenizer/jinja/print.h"

namespace onmal::jinja {

using StatementKind = Statement::Kind;

const Value* Scope::find(const std::string& name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->outer.get()) {
    for (const auto& [known, value] : scope->names) {
      if (known == name) return &value;
    }
  }
  return nullptr;
}

void Scope::set(const std::string& name, Value value) {
  for (auto& [known, held] : names) {
    if (known == name) {
      held = std::move(value);
      return;
    }
  }
  names.emplace_back(name, std::move(value));
}

Interpreter::Depth::Depth(Interpreter& interpreter) : interpreter_(interpreter) {
  if (interpreter.depth_ >= interpreter.limits_.depth) {
    throw Error(ErrorCode::kResource, at_line(interpreter.where_, interpreter.line_),
                "calls nest too deep");
  }
  ++interpreter.depth_;
}

// Blocks run in a scope of their own.
class Interpreter::ScopeGuard {
 public:
  ScopeGuard(Interpreter& interpreter, std::shared_ptr<Scope> scope)
      : interpreter_(interpreter), before_(std::exchange(interpreter.scope_, std::move(scope))) {}
  ~ScopeGuard() { interpreter_.scope_ = std::move(before_); }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Interpreter& interpreter_;
  std::shared_ptr<Scope> before_;
};

Interpreter::~Interpreter() {
  for (const auto& scope : remembered_scopes_) scope->names.clear();
  for (const auto& dict : remembered_dicts_) dict->items.clear();
}

void Interpreter::charge(int64_t steps) {
  steps_ += std::max<int64_t>(steps, 0);
  if (steps_ <= limits_.steps) return;
  throw Error(ErrorCode::kResource, at_line(where_, line_), "the template does not come to an end",
              "it was stopped after " + std::to_string(limits_.steps) + " steps");
}

void Interpreter::check_size(size_t characters) {
  if (characters > static_cast<size_t>(limits_.characters)) {
    throw Error(ErrorCode::kResource, at_line(where_, line_),
                "a text is longer than " + std::to_string(limits_.characters) + " characters");
  }
}

void Interpreter::fail(const std::string& what) const {
  throw Error(ErrorCode::kInvalidArgument, at_line(where_, line_), what);
}

void Interpreter::need_defined(const Value& value) const {
  const Undefined* undefined = value.undefined();
  if (undefined == nullptr) return;
  fail(undefined->what == nullptr ? "a value is undefined" : *undefined->what);
}

Text Interpreter::render(const Block& block,
                         const std::vector<std::pair<std::string, Value>>& globals) {
  Text out;
  out_ = &out;
  scope_ = std::make_shared<Scope>();
  scope_->names = global_functions();
  for (const auto& [name, value] : globals) scope_->set(name, value);
  // What a template sets at its top does not replace what it was given, for others to see.
  scope_ = inner_scope();
  try {
    run(block);
  } catch (const Error& error) {
    // Values do not know where they are used.
    const std::string what = error.what();
    constexpr std::string_view kNoPlace = "chat template: ";
    if (!what.starts_with(kNoPlace) || what.starts_with(where_ + ", line")) throw;
    throw Error(error.code(), at_line(where_, line_), what.substr(kNoPlace.size()));
  }
  return out;
}

void Interpreter::print(TextView text) {
  charge(static_cast<int64_t>(text.size() / 8));
  check_size(out_->size() + text.size());
  *out_ += text;
}

void Interpreter::print(const Value& value) {
  if (value.is_text()) return print(TextView(*value.text()));
  print(TextView(to_text(*this, value)));
}

std::shared_ptr<Scope> Interpreter::inner_scope() const {
  auto scope = std::make_shared<Scope>();
  scope->outer = scope_;
  return scope;
}

Interpreter::Flow Interpreter::run(const Block& block) {
  for (const auto& statement : block) {
    const Flow flow = run(*statement);
    if (flow != Flow::kOn) return flow;
  }
  return Flow::kOn;
}

Interpreter::Flow Interpreter::run(const Statement& statement) {
  charge(1);
  line_ = statement.line;
  switch (statement.kind) {
    case StatementKind::kText:
      print(TextView(statement.text));
      break;
    case StatementKind::kPrint:
      print(evaluate(*statement.expression));
      break;
    case StatementKind::kIf:
      return run_if(statement);
    case StatementKind::kFor: {
      const Value items = evaluate(*statement.expression);
      return run_for(statement, items, 0);
    }
    case StatementKind::kSet:
      assign(statement.target, evaluate(*statement.expression));
      break;
    case StatementKind::kSetBlock:
    case StatementKind::kFilter: {
      Value text(captured(statement.body));
      if (statement.expression != nullptr) {
        const ScopeGuard guard(*this, inner_scope());
        scope_->set("", std::move(text));  // what a chain of filters begins with
        text = evaluate(*statement.expression);
      }
      if (statement.kind == StatementKind::kFilter)
        print(text);
      else
        assign(statement.target, std::move(text));
      break;
    }
    case StatementKind::kMacro:
      remembered_scopes_.push_back(scope_);
      scope_->set(statement.macro->name, macro_value(statement.macro, scope_));
      break;
    case StatementKind::kCall:
      run_call(statement);
      break;
    case StatementKind::kWith:
      return run_with(statement);
    case StatementKind::kScope: {
      const ScopeGuard guard(*this, inner_scope());
      return run(statement.body);
    }
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kOn;
}

Interpreter::Flow Interpreter::run_if(const Statement& statement) {
  for (const auto& [condition, block] : statement.branches) {
    if (evaluate(*condition).truth()) return run(block);
  }
  return run(statement.body);
}

// What a loop goes over: with a filter, what passes it.
std::vector<Value> Interpreter::loop_items(const Statement& statement, const Value& value) {
  std::vector<Value> items = walk(value);
  if (statement.condition == nullptr) return items;
  std::vector<Value> kept;
  for (Value& item : items) {
    const ScopeGuard guard(*this, inner_scope());
    assign(statement.target, item);
    if (evaluate(*statement.condition).truth()) kept.push_back(std::move(item));
  }
  return kept;
}

Interpreter::Flow Interpreter::run_for(const Statement& statement, const Value& value,
                                       int64_t depth) {
  const Depth guard(*this);
  const auto loop = std::make_shared<Loop>(loop_items(statement, value), depth,
                                           statement.recursive ? &statement : nullptr, scope_);
  if (loop->size() == 0) {
    const ScopeGuard scope(*this, inner_scope());
    return run(statement.otherwise);
  }
  for (size_t i = 0; i < loop->size(); ++i) {
    const ScopeGuard scope(*this, inner_scope());
    assign(statement.target, loop->go_to(i));
    scope_->set("loop", Value(std::static_pointer_cast<Object>(loop)));
    if (run(statement.body) == Flow::kBreak) return Flow::kOn;
  }
  // Jinja runs the else of a loop whose every turn was left out by a filter, too: that is size 0.
  return Flow::kOn;
}

Text Interpreter::render_recursive(const Statement& loop, const std::shared_ptr<Scope>& scope,
                                   const Value& items, int64_t depth) {
  const Depth guard(*this);
  Text text;
  Text* before = std::exchange(out_, &text);
  try {
    const ScopeGuard place(*this, scope);
    run_for(loop, items, depth);
  } catch (...) {
    out_ = before;
    throw;
  }
  out_ = before;
  return text;
}

Interpreter::Flow Interpreter::run_with(const Statement& statement) {
  std::vector<Value> values;
  for (const auto& assignment : statement.assignments)
    values.push_back(evaluate(*assignment.second));
  const ScopeGuard guard(*this, inner_scope());
  for (size_t i = 0; i < values.size(); ++i) assign(statement.assignments[i].first, values[i]);
  return run(statement.body);
}

void Interpreter::run_call(const Statement& statement) {
  const Expression& expression = *statement.expression;
  const Value callable = evaluate(*expression.parts[0]);
  Arguments given = arguments(expression.call);
  remembered_scopes_.push_back(scope_);
  given.named.emplace_back("caller", macro_value(statement.macro, scope_));
  print(call(callable, given));
}

Text Interpreter::captured(const Block& block) {
  Text text;
  Text* before = std::exchange(out_, &text);
  try {
    const ScopeGuard guard(*this, inner_scope());
    run(block);
  } catch (...) {
    out_ = before;
    throw;
  }
  out_ = before;
  return text;
}

void Interpreter::assign(const Target& target, Value value) {
  if (target.kind == Target::Kind::kName) return scope_->set(target.name, std::move(value));
  if (target.kind == Target::Kind::kAttribute) {
    const Value* object = scope_->find(target.name);
    if (object == nullptr) fail("there is no namespace '" + target.name + "'");
    if (!set_namespace(*object, target.attribute, std::move(value))) {
      fail("only a namespace's attributes can be set");
    }
    return;
  }
  std::vector<Value> items = walk(value);
  if (items.size() != target.parts.size()) {
    fail("expected " + std::to_string(target.parts.size()) + " values to unpack, found " +
         std::to_string(items.size()));
  }
  for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], std::move(items[i]));
}

std::vector<Value> Interpreter::walk(const Value& value) {
  std::vector<Value> items;
  if (value.is_undefined()) return items;
  if (const Text* text = value.text()) {
    charge(static_cast<int64_t>(text->size()));
    for (const char32_t character : *text) items.emplace_back(Text(1, character));
  } else if (List* list = value.list_or_null()) {
    charge(static_cast<int64_t>(list->items.size()));
    if (list->kind != List::Kind::kLazy || !std::exchange(list->walked, true)) items = list->items;
  } else if (const Dict* dict = value.dict_or_null()) {
    charge(static_cast<int64_t>(dict->items.size()));
    for (const auto& [key, held] : dict->items) items.push_back(key);
  } else {
    fail("a value of the type " + std::string(value.type_name()) + " cannot be walked over");
  }
  return items;
}

Value Interpreter::call_macro(const MacroDefinition& macro, const std::shared_ptr<Scope>& scope,
                              const Arguments& arguments) {
  const Depth depth(*this);
  const ScopeGuard guard(*this, scope);
  const ScopeGuard inner(*this, inner_scope());
  bind_macro(macro, arguments);
  const int line = line_;
  Text text;
  Text* before = std::exchange(out_, &text);
  try {
    run(macro.body);
  } catch (...) {
    out_ = before;
    throw;
  }
  out_ = before;
  line_ = line;
  return Value(std::move(text));
}

void Interpreter::bind_macro(const MacroDefinition& macro, const Arguments& arguments) {
  const size_t count = macro.parameters.size();
  std::vector<std::optional<Value>> values(count);
  for (size_t i = 0; i < std::min(count, arguments.positional.size()); ++i)
    values[i] = arguments.positional[i];
  const Value extra = Value::dict();
  Value caller = Undefined{std::make_shared<const std::string>("no caller defined")};
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(macro.parameters.begin(), macro.parameters.end(), name);
    if (found != macro.parameters.end()) {
      auto& place = values[static_cast<size_t>(found - macro.parameters.begin())];
      if (place) fail("macro '" + macro.name + "' got its argument '" + name + "' twice");
      place = value;
    } else if (name == "caller" && macro.uses_caller) {
      caller = value;
    } else if (macro.uses_kwargs) {
      extra.dict_or_null()->set(Value::of_text(name), value);
    } else {
      fail("macro '" + macro.name + "' takes no argument '" + name + "'");
    }
  }
  if (arguments.positional.size() > count && !macro.uses_varargs) {
    fail("macro '" + macro.name + "' takes not more than " + std::to_string(count) + " arguments");
  }
  for (size_t i = 0; i < count; ++i) {
    const size_t first_default = count - macro.defaults.size();
    if (!values[i] && i >= first_default) values[i] = evaluate(*macro.defaults[i - first_default]);
    if (!values[i])
      values[i] = Undefined{std::make_shared<const std::string>(
          "parameter '" + macro.parameters[i] + "' was not provided")};
    scope_->set(macro.parameters[i], *values[i]);
  }
  if (macro.uses_caller && std::find(macro.parameters.begin(), macro.parameters.end(), "caller") ==
                               macro.parameters.end()) {
    scope_->set("caller", caller);
  }
  if (macro.uses_kwargs) scope_->set("kwargs", extra);
  if (macro.uses_varargs) {
    std::vector<Value> rest;
    for (size_t i = count; i < arguments.positional.size(); ++i)
      rest.push_back(arguments.positional[i]);
    scope_->set("varargs", Value::list(std::move(rest), List::Kind::kTuple));
  }
}

}  // namespace onmal::jinja

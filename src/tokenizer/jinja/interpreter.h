#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizer/jinja/ast.h"
#include "tokenizer/jinja/value.h"

namespace onmal::jinja {

struct RenderLimits {
  int64_t steps = 20'000'000;       // expressions, statements, characters and items moved
  int64_t characters = 64'000'000;  // of the output and of any text made on the way
  int depth = 500;                  // of calls and expressions within each other
};

// Names and their values in a block; what is not there is looked for outside.
struct Scope {
  std::shared_ptr<Scope> outer;
  std::vector<std::pair<std::string, Value>> names;

  const Value* find(const std::string& name) const;
  void set(const std::string& name, Value value);
};

// Renders one template once. Errors name the line.
class Interpreter {
 public:
  Interpreter(const std::string& where, const RenderLimits& limits, std::time_t now)
      : where_(where), limits_(limits), now_(now) {}
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  Text render(const Block& block, const std::vector<std::pair<std::string, Value>>& globals);

  Value evaluate(const Expression& expression);
  Value call(const Value& callable, const Arguments& arguments);
  Value call_macro(const MacroDefinition& macro, const std::shared_ptr<Scope>& scope,
                   const Arguments& arguments);
  Value call_filter(const std::string& name, const Value& subject, const Arguments& arguments);
  bool call_test(const std::string& name, const Value& subject, const Arguments& arguments);

  // subject.name: what belongs to the type first, then a dictionary's key.
  Value attribute(const Value& subject, const std::string& name);
  // subject[key]: the other way round.
  Value item(const Value& subject, const Value& key);
  // What a walk over a value gives; an error for what cannot be walked over.
  std::vector<Value> walk(const Value& value);
  // One turn of a loop and all that are left; see loop.cc.
  Text render_recursive(const Statement& loop, const std::shared_ptr<Scope>& scope,
                        const Value& items, int64_t depth);

  // Accounts for work done; throws Error(kResource) when the limit is reached.
  void charge(int64_t steps);
  void check_size(size_t characters);
  // Things that may hold each other in a circle are emptied at the end.
  void remember(std::shared_ptr<Dict> dict) { remembered_dicts_.push_back(std::move(dict)); }

  // Throws Error(kInvalidArgument) at the line being rendered.
  [[noreturn]] void fail(const std::string& what) const;
  // For an undefined value where a real one is needed.
  void need_defined(const Value& value) const;
  std::time_t now() const { return now_; }

  // Guards the depth of recursion.
  class Depth {
   public:
    explicit Depth(Interpreter& interpreter);
    ~Depth() { --interpreter_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Interpreter& interpreter_;
  };

 private:
  enum class Flow { kOn, kBreak, kContinue };
  class ScopeGuard;

  Flow run(const Block& block);
  Flow run(const Statement& statement);
  Flow run_if(const Statement& statement);
  Flow run_for(const Statement& statement, const Value& items, int64_t depth);
  void bind_macro(const MacroDefinition& macro, const Arguments& arguments);
  static Value macro_value(std::shared_ptr<const MacroDefinition> macro,
                           std::shared_ptr<Scope> scope);
  Flow run_with(const Statement& statement);
  void run_call(const Statement& statement);
  Text captured(const Block& block);
  void print(const Value& value);
  void print(TextView text);
  void assign(const Target& target, Value value);
  std::vector<Value> loop_items(const Statement& statement, const Value& items);
  std::shared_ptr<Scope> inner_scope() const;

  Value name(const Expression& expression);
  Value compare(const Expression& expression);
  Value slice(const Expression& expression);
  Value call(const Expression& expression);
  Value conditional(const Expression& expression);
  Value dict(const Expression& expression);
  std::vector<Value> all(const std::vector<ExpressionPtr>& expressions);
  Arguments arguments(const Expression::Call& call);
  std::optional<Value> item_or_none(const Value& subject, const Value& key);
  std::optional<Value> own_attribute(const Value& subject, const std::string& name);

  const std::string& where_;
  RenderLimits limits_;
  std::time_t now_;
  Text* out_ = nullptr;
  std::shared_ptr<Scope> scope_;
  std::vector<std::shared_ptr<Scope>> remembered_scopes_;
  std::vector<std::shared_ptr<Dict>> remembered_dicts_;
  int64_t steps_ = 0;
  int depth_ = 0;
  int line_ = 1;
};

}  // namespace onmal::jinja

#pragma once

#include <memory>
#include <vector>

#include "tokenizer/jinja/interpreter.h"

namespace onmal::jinja {

// The `loop` of a for statement.
class Loop : public Object {
 public:
  // `statement` is null unless the loop is recursive; then `scope` is where it stands.
  Loop(std::vector<Value> items, int64_t depth, const Statement* statement,
       std::shared_ptr<Scope> scope);

  std::string_view type_name() const override { return "LoopContext"; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, const Arguments& arguments) override;
  std::optional<Value> attribute(const std::string& name) override;

  size_t size() const { return items_.size(); }
  const Value& go_to(size_t index) { return items_[index_ = index]; }
  bool changed(std::vector<Value> values, Interpreter& interpreter);
  Value cycle(Interpreter& interpreter, const Arguments& arguments) const;

 private:
  std::vector<Value> items_;
  size_t index_ = 0;
  int64_t recursion_;
  const Statement* statement_;
  std::shared_ptr<Scope> scope_;
  std::vector<Value> last_changed_;
  bool asked_ = false;
};

// loop.cycle and loop.changed; none for what is no loop.
std::optional<Value> loop_method(const Value& subject, const std::string& name);

}  // namespace onmal::jinja

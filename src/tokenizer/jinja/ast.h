#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/jinja/value.h"

namespace onmal::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Expression {
  enum class Kind {
    kConstant,   // value
    kName,       // name
    kList,       // parts
    kTuple,      // parts
    kDict,       // parts: key, value, key, value …
    kAttribute,  // parts[0].name
    kItem,       // parts[0][parts[1]]
    kSlice,      // parts[0][parts[1] : parts[2] : parts[3]], null where left out
    kCall,       // parts[0](call)
    kFilter,     // parts[0] | name(call); parts[0] is null inside a filter block
    kTest,       // parts[0] is name(call)
    kNot,        // not parts[0]
    kNegative,   // -parts[0]
    kPositive,   // +parts[0]
    kAnd,        // parts[0] and parts[1]
    kOr,
    kBinary,       // parts[0] name parts[1], name one of + - * / // % ** ~
    kCompare,      // parts[0] operators[0] parts[1] operators[1] parts[2] …
    kConditional,  // parts[1] if parts[0] else parts[2] (may be null)
  };

  // What stands between the brackets of a call.
  struct Call {
    std::vector<ExpressionPtr> positional;
    std::vector<std::pair<std::string, ExpressionPtr>> named;
    ExpressionPtr rest;        // *rest
    ExpressionPtr named_rest;  // **named_rest
  };

  Kind kind;
  int line;
  int height = 0;  // of the tree below
  std::string name;
  Value value;
  std::vector<ExpressionPtr> parts;
  std::vector<std::string> operators;
  Call call;
};

// What an assignment writes to: a name, an attribute of a namespace, or several targets.
struct Target {
  enum class Kind { kName, kAttribute, kTuple };
  Kind kind = Kind::kName;
  int line = 0;
  std::string name;
  std::string attribute;
  std::vector<Target> parts;
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

struct MacroDefinition {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<ExpressionPtr> defaults;  // of the last parameters
  Block body;
  int line = 0;
  bool uses_caller = false;
  bool uses_varargs = false;
  bool uses_kwargs = false;
};

struct Statement {
  enum class Kind {
    kText,      // text
    kPrint,     // expression
    kIf,        // branches; body is the else
    kFor,       // target in expression [if condition]: body, otherwise
    kSet,       // target = expression
    kSetBlock,  // target = body, through expression (a filter chain) where there is one
    kMacro,     // macro
    kCall,      // expression is the call, macro its block
    kFilter,    // body through expression
    kWith,      // targets = values: body
    kScope,     // body in a scope of its own ({% generation %}, {% block %})
    kBreak,
    kContinue,
  };

  Kind kind;
  int line;
  Text text;
  ExpressionPtr expression;
  ExpressionPtr condition;
  Target target;
  bool recursive = false;
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Block body;
  Block otherwise;
  std::shared_ptr<const MacroDefinition> macro;
};

}  // namespace onmal::jinja

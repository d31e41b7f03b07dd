#include "tokenizer/jinja/parser.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "base/error.h"
#include "tokenizer/jinja/expression_parser.h"

namespace onmal::jinja {
namespace {

using StatementKind = Statement::Kind;
using StatementPtr = std::unique_ptr<Statement>;
using Words = std::initializer_list<const char*>;

class Parser {
 public:
  Parser(const std::vector<Token>& tokens, const std::string& where)
      : where_(where), in_(tokens, where) {}

  Block run() {
    Block block = body({});
    if (!in_.at_end()) in_.fail("a statement without a beginning");
    return block;
  }

 private:
  StatementPtr make(StatementKind kind) const {
    auto made = std::make_unique<Statement>();
    made->kind = kind;
    made->line = in_.current().line;
    return made;
  }

  void end_block() { in_.expect(Token::Kind::kBlockEnd, "'%}'"); }

  bool at_word(Words words) const {
    return std::any_of(words.begin(), words.end(),
                       [&](const char* word) { return in_.current().is_name(word); });
  }

  // Statements up to a block that begins with one of `ends`, which is left to be read (its '{%' is
  // consumed). Without ends: up to the template's end.
  Block body(Words ends) {
    constexpr int kMostDepth = 60;
    if (++depth_ > kMostDepth) in_.fail("statements nest too deep");
    Block block;
    while (true) {
      const Token& token = in_.current();
      if (token.kind == Token::Kind::kEnd) {
        if (ends.size() > 0)
          in_.fail(std::string("a block is not closed with '") + *(ends.end() - 1) + "'");
        break;
      }
      if (token.kind == Token::Kind::kData) {
        block.push_back(make(StatementKind::kText));
        block.back()->text = token.text;
        in_.next();
      } else if (token.kind == Token::Kind::kVariableBegin) {
        in_.next();
        block.push_back(make(StatementKind::kPrint));
        block.back()->expression = in_.tuple();
        in_.expect(Token::Kind::kVariableEnd, "'}}'");
      } else {
        in_.next();
        if (at_word(ends)) break;
        block.push_back(statement());
      }
    }
    --depth_;
    return block;
  }

  // A body and the word that ends it.
  Block closed_body(const char* end) {
    end_block();
    Block block = body({end});
    in_.next();
    return block;
  }

  StatementPtr statement() {
    if (in_.take_name("if")) return if_statement();
    if (in_.take_name("for")) return for_statement();
    if (in_.take_name("set")) return set_statement();
    if (in_.take_name("macro")) return macro_statement();
    if (in_.take_name("call")) return call_statement();
    if (in_.take_name("filter")) return filter_statement();
    if (in_.take_name("with")) return with_statement();
    if (in_.take_name("generation")) return scope_statement("endgeneration");
    if (in_.take_name("block")) return block_statement();
    if (in_.take_name("break")) return loop_control(StatementKind::kBreak);
    if (in_.take_name("continue")) return loop_control(StatementKind::kContinue);
    for (const char* other :
         {"include", "import", "from", "extends", "autoescape", "trans", "do"}) {
      if (!in_.current().is_name(other)) continue;
      throw Error(ErrorCode::kUnsupported, at_line(where_, in_.current().line),
                  std::string("the statement '") + other + "' is not known in chat templates");
    }
    in_.fail("an unknown statement");
  }

  StatementPtr if_statement() {
    StatementPtr made = make(StatementKind::kIf);
    while (true) {
      ExpressionPtr condition = in_.tuple(false);
      end_block();
      Block block = body({"elif", "else", "endif"});
      made->branches.emplace_back(std::move(condition), std::move(block));
      if (in_.take_name("elif")) continue;
      if (in_.take_name("else")) {
        end_block();
        made->body = body({"endif"});
      }
      in_.next();
      end_block();
      return made;
    }
  }

  Target single_target(bool attributes) {
    Target target;
    target.line = in_.current().line;
    if (in_.take_operator("(")) {
      target = tuple_target(attributes);
      in_.expect_operator(")");
      return target;
    }
    target.name = in_.expect_name();
    for (const char* constant : {"true", "false", "none", "True", "False", "None"}) {
      if (target.name == constant) in_.fail("a constant cannot be assigned to");
    }
    if (attributes && in_.take_operator(".")) {
      target.kind = Target::Kind::kAttribute;
      target.attribute = in_.expect_name();
    }
    return target;
  }

  Target tuple_target(bool attributes) {
    constexpr int kMostDepth = 30;
    if (++target_depth_ > kMostDepth) in_.fail("names nest too deep");
    Target first = single_target(attributes);
    if (in_.current().is_operator(",")) {
      Target tuple;
      tuple.kind = Target::Kind::kTuple;
      tuple.line = first.line;
      tuple.parts.push_back(std::move(first));
      while (in_.take_operator(",")) {
        if (in_.current().kind != Token::Kind::kName && !in_.current().is_operator("(")) break;
        if (in_.current().is_name("in")) break;
        tuple.parts.push_back(single_target(attributes));
      }
      first = std::move(tuple);
    }
    --target_depth_;
    return first;
  }

  StatementPtr for_statement() {
    StatementPtr made = make(StatementKind::kFor);
    made->target = tuple_target(false);
    if (!in_.take_name("in")) in_.fail("expected 'in'");
    made->expression = in_.tuple(false);
    if (in_.take_name("if")) made->condition = in_.expression();
    made->recursive = in_.take_name("recursive");
    end_block();
    ++loops_;
    made->body = body({"else", "endfor"});
    --loops_;
    if (in_.take_name("else")) {
      end_block();
      made->otherwise = body({"endfor"});
    }
    in_.next();
    end_block();
    return made;
  }

  StatementPtr set_statement() {
    StatementPtr made = make(StatementKind::kSet);
    made->target = tuple_target(true);
    if (in_.take_operator("=")) {
      made->expression = in_.tuple();
    } else {
      made->kind = StatementKind::kSetBlock;
      made->expression = in_.filters(nullptr, false);
      made->body = closed_body("endset");
    }
    end_block();
    return made;
  }

  void parameters(MacroDefinition& macro) {
    in_.expect_operator("(");
    while (!in_.current().is_operator(")")) {
      macro.parameters.push_back(in_.expect_name());
      if (in_.take_operator("=")) {
        macro.defaults.push_back(in_.expression());
      } else if (!macro.defaults.empty()) {
        in_.fail("a parameter without a default behind one with");
      }
      if (!in_.take_operator(",")) break;
    }
    in_.expect_operator(")");
  }

  // The body of a macro, and what of the special names it uses. A loop outside does not count
  // inside.
  void macro_body(MacroDefinition& macro, const char* end) {
    const size_t names = in_.names().size();
    const int loops = std::exchange(loops_, 0);
    macro.body = closed_body(end);
    loops_ = loops;
    for (size_t i = names; i < in_.names().size(); ++i) {
      macro.uses_caller = macro.uses_caller || in_.names()[i] == "caller";
      macro.uses_varargs = macro.uses_varargs || in_.names()[i] == "varargs";
      macro.uses_kwargs = macro.uses_kwargs || in_.names()[i] == "kwargs";
    }
  }

  StatementPtr macro_statement() {
    StatementPtr made = make(StatementKind::kMacro);
    auto macro = std::make_shared<MacroDefinition>();
    macro->line = made->line;
    macro->name = in_.expect_name();
    parameters(*macro);
    macro_body(*macro, "endmacro");
    if (in_.current().kind == Token::Kind::kName) in_.next();
    end_block();
    made->macro = std::move(macro);
    return made;
  }

  StatementPtr call_statement() {
    StatementPtr made = make(StatementKind::kCall);
    auto macro = std::make_shared<MacroDefinition>();
    macro->line = made->line;
    macro->name = "caller";
    if (in_.current().is_operator("(")) parameters(*macro);
    made->expression = in_.expression();
    if (made->expression->kind != Expression::Kind::kCall) in_.fail("expected a call");
    macro_body(*macro, "endcall");
    end_block();
    made->macro = std::move(macro);
    return made;
  }

  StatementPtr filter_statement() {
    StatementPtr made = make(StatementKind::kFilter);
    made->expression = in_.filters(nullptr, true);
    made->body = closed_body("endfilter");
    end_block();
    return made;
  }

  StatementPtr with_statement() {
    StatementPtr made = make(StatementKind::kWith);
    while (in_.current().kind != Token::Kind::kBlockEnd) {
      Target target = single_target(false);
      in_.expect_operator("=");
      made->assignments.emplace_back(std::move(target), in_.expression());
      if (!in_.take_operator(",")) break;
    }
    made->body = closed_body("endwith");
    end_block();
    return made;
  }

  StatementPtr scope_statement(const char* end) {
    StatementPtr made = make(StatementKind::kScope);
    made->body = closed_body(end);
    end_block();
    return made;
  }

  StatementPtr block_statement() {
    in_.expect_name();
    while (in_.current().kind == Token::Kind::kName) in_.next();  // scoped, required
    StatementPtr made = make(StatementKind::kScope);
    made->body = closed_body("endblock");
    if (in_.current().kind == Token::Kind::kName) in_.next();
    end_block();
    return made;
  }

  StatementPtr loop_control(StatementKind kind) {
    if (loops_ == 0) in_.fail("'break' or 'continue' outside a loop");
    StatementPtr made = make(kind);
    end_block();
    return made;
  }

  const std::string& where_;
  ExpressionParser in_;
  int depth_ = 0;
  int target_depth_ = 0;
  int loops_ = 0;
};

}  // namespace

Block parse_template(const std::vector<Token>& tokens, const std::string& where) {
  return Parser(tokens, where).run();
}

}  // namespace onmal::jinja

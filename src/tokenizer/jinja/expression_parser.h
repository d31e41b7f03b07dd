#pragma once

#include <string>
#include <vector>

#include "tokenizer/jinja/ast.h"
#include "tokenizer/jinja/lexer.h"

namespace onmal::jinja {

// Reads expressions off a row of tokens, which the statements' parser shares.
class ExpressionParser {
 public:
  ExpressionParser(const std::vector<Token>& tokens, const std::string& where)
      : tokens_(tokens), where_(where) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  bool at_end() const { return current().kind == Token::Kind::kEnd; }
  void next() {
    if (!at_end()) ++at_;
  }
  bool take_operator(const char* text);
  bool take_name(const char* text);
  void expect_operator(const char* text);
  void expect(Token::Kind kind, const char* what);
  std::string expect_name();
  [[noreturn]] void fail(const std::string& what) const;

  // A conditional expression; `conditional` false leaves an `if` for the statement.
  ExpressionPtr expression(bool conditional = true);
  // Several with commas between make a tuple.
  ExpressionPtr tuple(bool conditional = true);
  // Filters behind `subject` (null inside a filter block), the first of them without its bar where
  // `started`.
  ExpressionPtr filters(ExpressionPtr subject, bool started);
  ExpressionPtr postfix_primary();

  // Every name read so far, for what a macro asks for.
  const std::vector<std::string>& names() const { return names_; }

 private:
  class Depth;

  ExpressionPtr make(Expression::Kind kind) const;
  // Adds a part (perhaps none), keeping count of the tree's height.
  void add(Expression& made, ExpressionPtr part) const;
  void grow(Expression& made, const Expression& part) const;
  ExpressionPtr binary(Expression::Kind kind, const std::string& name, ExpressionPtr left,
                       ExpressionPtr right) const;
  ExpressionPtr or_expression();
  ExpressionPtr and_expression();
  ExpressionPtr not_expression();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr primary();
  ExpressionPtr number();
  ExpressionPtr name();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr postfix(ExpressionPtr subject);
  ExpressionPtr postfix_filters(ExpressionPtr subject);
  ExpressionPtr subscript(ExpressionPtr subject);
  ExpressionPtr test(ExpressionPtr subject);
  void call_arguments(Expression& made);
  bool ends_tuple() const;

  const std::vector<Token>& tokens_;
  const std::string& where_;
  size_t at_ = 0;
  int depth_ = 0;
  std::vector<std::string> names_;
};

}  // namespace onmal::jinja

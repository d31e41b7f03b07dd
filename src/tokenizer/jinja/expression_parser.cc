#include "tokenizer/jinja/expression_parser.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/error.h"

namespace onmal::jinja {

using ExpressionKind = Expression::Kind;

// Nesting is bounded: every level of the grammar costs stack.
class ExpressionParser::Depth {
 public:
  explicit Depth(ExpressionParser& parser) : parser_(parser) {
    constexpr int kMostDepth = 100;
    if (++parser_.depth_ > kMostDepth) parser_.fail("an expression nests too deep");
  }
  ~Depth() { --parser_.depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  ExpressionParser& parser_;
};

bool ExpressionParser::take_operator(const char* text) {
  if (!current().is_operator(text)) return false;
  next();
  return true;
}

bool ExpressionParser::take_name(const char* text) {
  if (!current().is_name(text)) return false;
  next();
  return true;
}

void ExpressionParser::expect_operator(const char* text) {
  if (!take_operator(text)) fail(std::string("expected '") + text + "'");
}

void ExpressionParser::expect(Token::Kind kind, const char* what) {
  if (current().kind != kind) fail(std::string("expected ") + what);
  next();
}

std::string ExpressionParser::expect_name() {
  if (current().kind != Token::Kind::kName) fail("expected a name");
  std::string word = current().word;
  next();
  return word;
}

void ExpressionParser::fail(const std::string& what) const {
  const Token& token = current();
  const std::string found = token.kind == Token::Kind::kEnd        ? "the end"
                            : token.kind == Token::Kind::kString   ? "a string"
                            : token.kind == Token::Kind::kData     ? "text"
                            : token.kind == Token::Kind::kBlockEnd ? "'%}'"
                            : token.kind == Token::Kind::kVariableEnd
                                ? "'}}'"
                                : std::string("'").append(token.word).append("'");
  throw Error(ErrorCode::kBadFile, at_line(where_, token.line), what + " at " + found);
}

ExpressionPtr ExpressionParser::make(ExpressionKind kind) const {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  made->line = current().line;
  return made;
}

void ExpressionParser::grow(Expression& made, const Expression& part) const {
  constexpr int kMostHeight = 300;  // evaluating and destroying a tree recurse
  made.height = std::max(made.height, part.height + 1);
  if (made.height > kMostHeight) fail("an expression nests too deep");
}

void ExpressionParser::add(Expression& made, ExpressionPtr part) const {
  if (part != nullptr) grow(made, *part);
  made.parts.push_back(std::move(part));
}

ExpressionPtr ExpressionParser::binary(ExpressionKind kind, const std::string& name,
                                       ExpressionPtr left, ExpressionPtr right) const {
  ExpressionPtr made = make(kind);
  made->line = left->line;
  made->name = name;
  add(*made, std::move(left));
  add(*made, std::move(right));
  return made;
}

ExpressionPtr ExpressionParser::expression(bool conditional) {
  const Depth depth(*this);
  ExpressionPtr result = or_expression();
  while (conditional && current().is_name("if")) {
    ExpressionPtr made = make(ExpressionKind::kConditional);
    next();
    add(*made, or_expression());
    add(*made, std::move(result));
    add(*made, take_name("else") ? expression() : nullptr);
    result = std::move(made);
  }
  return result;
}

ExpressionPtr ExpressionParser::or_expression() {
  ExpressionPtr left = and_expression();
  while (take_name("or")) left = binary(ExpressionKind::kOr, "", std::move(left), and_expression());
  return left;
}

ExpressionPtr ExpressionParser::and_expression() {
  ExpressionPtr left = not_expression();
  while (take_name("and"))
    left = binary(ExpressionKind::kAnd, "", std::move(left), not_expression());
  return left;
}

ExpressionPtr ExpressionParser::not_expression() {
  if (!current().is_name("not")) return comparison();
  const Depth depth(*this);
  ExpressionPtr made = make(ExpressionKind::kNot);
  next();
  add(*made, not_expression());
  return made;
}

ExpressionPtr ExpressionParser::comparison() {
  constexpr std::array<const char*, 6> kComparisons = {"==", "!=", "<=", ">=", "<", ">"};
  ExpressionPtr first = sum();
  ExpressionPtr made;
  while (true) {
    std::string name = current().word;
    const auto* found = std::find_if(kComparisons.begin(), kComparisons.end(),
                                     [&](const char* text) { return current().is_operator(text); });
    if (found != kComparisons.end()) {
      next();
    } else if (take_name("in")) {
    } else if (current().is_name("not") && ahead().is_name("in")) {
      next();
      next();
      name = "not in";
    } else {
      return made == nullptr ? std::move(first) : std::move(made);
    }
    if (made == nullptr) {
      made = make(ExpressionKind::kCompare);
      made->line = first->line;
      add(*made, std::move(first));
    }
    made->operators.push_back(name);
    add(*made, sum());
  }
}

ExpressionPtr ExpressionParser::sum() {
  ExpressionPtr left = concatenation();
  while (current().is_operator("+") || current().is_operator("-")) {
    const std::string name = current().word;
    next();
    left = binary(ExpressionKind::kBinary, name, std::move(left), concatenation());
  }
  return left;
}

ExpressionPtr ExpressionParser::concatenation() {
  ExpressionPtr left = product();
  while (take_operator("~"))
    left = binary(ExpressionKind::kBinary, "~", std::move(left), product());
  return left;
}

ExpressionPtr ExpressionParser::product() {
  ExpressionPtr left = power();
  while (current().is_operator("*") || current().is_operator("/") || current().is_operator("//") ||
         current().is_operator("%")) {
    const std::string name = current().word;
    next();
    left = binary(ExpressionKind::kBinary, name, std::move(left), power());
  }
  return left;
}

ExpressionPtr ExpressionParser::power() {
  ExpressionPtr left = unary(true);
  while (take_operator("**"))
    left = binary(ExpressionKind::kBinary, "**", std::move(left), unary(true));
  return left;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  const Depth depth(*this);
  ExpressionPtr result;
  if (current().is_operator("-") || current().is_operator("+")) {
    result =
        make(current().is_operator("-") ? ExpressionKind::kNegative : ExpressionKind::kPositive);
    next();
    add(*result, unary(false));
  } else {
    result = primary();
  }
  result = postfix(std::move(result));
  return with_filters ? postfix_filters(std::move(result)) : std::move(result);
}

ExpressionPtr ExpressionParser::postfix_primary() { return postfix(primary()); }

ExpressionPtr ExpressionParser::primary() {
  const Depth depth(*this);
  switch (current().kind) {
    case Token::Kind::kName:
      return name();
    case Token::Kind::kString: {
      ExpressionPtr made = make(ExpressionKind::kConstant);
      Text text;
      for (; current().kind == Token::Kind::kString; next()) text += current().text;
      made->value = Value(std::move(text));
      return made;
    }
    case Token::Kind::kInteger:
    case Token::Kind::kFloat:
      return number();
    default:
      break;
  }
  if (take_operator("(")) {
    ExpressionPtr inside = make(ExpressionKind::kTuple);
    if (!current().is_operator(")")) inside = tuple();
    expect_operator(")");
    return inside;
  }
  if (current().is_operator("[")) return list();
  if (current().is_operator("{")) return dict();
  fail("an expression was expected");
}

ExpressionPtr ExpressionParser::number() {
  ExpressionPtr made = make(ExpressionKind::kConstant);
  const std::string& word = current().word;
  if (current().kind == Token::Kind::kFloat) {
    made->value = Value(std::strtod(word.c_str(), nullptr));
  } else {
    const bool prefixed = word.size() > 1 && word[0] == '0' &&
                          std::string_view("xXoObB").find(word[1]) != std::string_view::npos;
    const int base = !prefixed                 ? 10
                     : (word[1] | 0x20) == 'x' ? 16
                     : (word[1] | 0x20) == 'o' ? 8
                                               : 2;
    int64_t integer = 0;
    const char* begin = word.data() + (prefixed ? 2 : 0);
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(begin, end, integer, base);
    if (error != std::errc() || stop != end) fail("the number is malformed or too large");
    made->value = Value(integer);
  }
  next();
  return made;
}

ExpressionPtr ExpressionParser::name() {
  ExpressionPtr made = make(ExpressionKind::kConstant);
  const std::string word = current().word;
  next();
  if (word == "true" || word == "True") {
    made->value = Value(true);
  } else if (word == "false" || word == "False") {
    made->value = Value(false);
  } else if (word == "none" || word == "None") {
    made->value = None{};
  } else {
    made->kind = ExpressionKind::kName;
    made->name = word;
    names_.push_back(word);
  }
  return made;
}

ExpressionPtr ExpressionParser::list() {
  ExpressionPtr made = make(ExpressionKind::kList);
  next();
  while (!current().is_operator("]")) {
    add(*made, expression());
    if (!take_operator(",")) break;
  }
  expect_operator("]");
  return made;
}

ExpressionPtr ExpressionParser::dict() {
  ExpressionPtr made = make(ExpressionKind::kDict);
  next();
  while (!current().is_operator("}")) {
    add(*made, expression());
    expect_operator(":");
    add(*made, expression());
    if (!take_operator(",")) break;
  }
  expect_operator("}");
  return made;
}

bool ExpressionParser::ends_tuple() const {
  const Token& token = current();
  return token.kind == Token::Kind::kVariableEnd || token.kind == Token::Kind::kBlockEnd ||
         token.is_operator(")") || token.is_name("in") || token.is_name("recursive");
}

ExpressionPtr ExpressionParser::tuple(bool conditional) {
  ExpressionPtr first = expression(conditional);
  if (!current().is_operator(",")) return first;
  ExpressionPtr made = make(ExpressionKind::kTuple);
  add(*made, std::move(first));
  while (take_operator(",")) {
    if (ends_tuple()) break;
    add(*made, expression(conditional));
  }
  return made;
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr subject) {
  while (true) {
    if (current().is_operator(".")) {
      next();
      if (current().kind == Token::Kind::kInteger) {
        ExpressionPtr index = number();
        subject = binary(ExpressionKind::kItem, "", std::move(subject), std::move(index));
        continue;
      }
      ExpressionPtr made = make(ExpressionKind::kAttribute);
      made->name = expect_name();
      add(*made, std::move(subject));
      subject = std::move(made);
    } else if (current().is_operator("[")) {
      subject = subscript(std::move(subject));
    } else if (current().is_operator("(")) {
      ExpressionPtr made = make(ExpressionKind::kCall);
      add(*made, std::move(subject));
      call_arguments(*made);
      subject = std::move(made);
    } else {
      return subject;
    }
  }
}

ExpressionPtr ExpressionParser::postfix_filters(ExpressionPtr subject) {
  while (true) {
    if (current().is_operator("|")) {
      subject = filters(std::move(subject), false);
    } else if (current().is_name("is")) {
      subject = test(std::move(subject));
    } else if (current().is_operator("(")) {
      ExpressionPtr made = make(ExpressionKind::kCall);
      add(*made, std::move(subject));
      call_arguments(*made);
      subject = std::move(made);
    } else {
      return subject;
    }
  }
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr subject, bool started) {
  while (started || current().is_operator("|")) {
    if (!started) next();
    started = false;
    ExpressionPtr made = make(ExpressionKind::kFilter);
    made->name = expect_name();
    while (take_operator(".")) (made->name += '.') += expect_name();
    add(*made, std::move(subject));
    if (current().is_operator("(")) call_arguments(*made);
    subject = std::move(made);
  }
  return subject;
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr subject) {
  ExpressionPtr made = make(ExpressionKind::kItem);
  add(*made, std::move(subject));
  next();
  ExpressionPtr first;
  if (!current().is_operator(":")) first = expression();
  if (!current().is_operator(":")) {
    if (current().is_operator(",")) fail("only one index is known");
    add(*made, std::move(first));
  } else {
    made->kind = ExpressionKind::kSlice;
    add(*made, std::move(first));
    next();
    for (int part = 0; part < 2; ++part) {
      const bool given = !current().is_operator("]") && !current().is_operator(":");
      add(*made, given ? expression() : nullptr);
      if (part == 0 && !take_operator(":")) {
        add(*made, nullptr);
        break;
      }
    }
  }
  expect_operator("]");
  return made;
}

ExpressionPtr ExpressionParser::test(ExpressionPtr subject) {
  next();
  const bool negated = take_name("not");
  ExpressionPtr made = make(ExpressionKind::kTest);
  made->name = expect_name();
  while (take_operator(".")) (made->name += '.') += expect_name();
  add(*made, std::move(subject));
  const Token& token = current();
  const bool argument = (token.kind == Token::Kind::kName && token.word != "else" &&
                         token.word != "or" && token.word != "and" && token.word != "is") ||
                        token.kind == Token::Kind::kString || token.kind == Token::Kind::kInteger ||
                        token.kind == Token::Kind::kFloat || token.is_operator("[") ||
                        token.is_operator("{");
  if (token.is_operator("(")) {
    call_arguments(*made);
  } else if (argument) {
    made->call.positional.push_back(postfix(primary()));
    grow(*made, *made->call.positional.back());
  } else if (token.is_name("is")) {
    fail("tests cannot be chained");
  }
  if (!negated) return made;
  ExpressionPtr inverse = make(ExpressionKind::kNot);
  inverse->line = made->line;
  add(*inverse, std::move(made));
  return inverse;
}

void ExpressionParser::call_arguments(Expression& made) {
  Expression::Call& call = made.call;
  const auto measured = [&](ExpressionPtr part) {
    grow(made, *part);
    return part;
  };
  next();
  while (!current().is_operator(")")) {
    if (take_operator("**")) {
      if (call.named_rest != nullptr) fail("a second '**'");
      call.named_rest = measured(expression());
    } else if (take_operator("*")) {
      if (call.rest != nullptr || call.named_rest != nullptr) fail("a misplaced '*'");
      call.rest = measured(expression());
    } else if (current().kind == Token::Kind::kName && ahead().is_operator("=")) {
      std::string key = expect_name();
      next();
      call.named.emplace_back(std::move(key), measured(expression()));
    } else {
      if (!call.named.empty() || call.rest != nullptr || call.named_rest != nullptr) {
        fail("a positional argument behind a named one");
      }
      call.positional.push_back(measured(expression()));
    }
    if (!take_operator(",")) break;
  }
  expect_operator(")");
}

}  // namespace onmal::jinja

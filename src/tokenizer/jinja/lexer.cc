#include "tokenizer/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"

namespace onmal::jinja {
namespace {

constexpr size_t kMostSource = size_t{1} << 20;

Text normalize_newlines(const Text& source) {
  Text text;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != U'\r') {
      text += source[i];
    } else {
      text += U'\n';
      if (i + 1 < source.size() && source[i + 1] == U'\n') ++i;
    }
  }
  if (!text.empty() && text.back() == U'\n') text.pop_back();
  return text;
}

bool is_ascii_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_name_start(char32_t c) {
  return c == U'_' || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') ||
         (c >= 0x80 && is_letter(c));
}
bool is_name_part(char32_t c) {
  return is_name_start(c) || is_ascii_digit(c) || (c >= 0x80 && is_number(c));
}

class Lexer {
 public:
  Lexer(Text source, const std::string& where) : source_(std::move(source)), where_(where) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) data();
    push(Token::Kind::kEnd);
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadFile, at_line(where_, line_), what);
  }

  bool looking_at(std::string_view word) const { return looking_at(at_, word); }
  bool looking_at(size_t position, std::string_view word) const {
    return position + word.size() <= source_.size() &&
           equal_text(TextView(source_).substr(position, word.size()), word);
  }
  char32_t peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : 0;
  }
  size_t skip_space(size_t position) const {
    while (position < source_.size() && is_space(source_[position])) ++position;
    return position;
  }
  // Moves on, counting lines.
  void advance(size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), U'\n'));
    if (to > at_) line_starting_ = source_[to - 1] == U'\n';
    at_ = to;
  }
  Token& push(Token::Kind kind) {
    tokens_.push_back({kind, line_, {}, {}});
    return tokens_.back();
  }

  // The end of a tag that `close` ("%}") ends at `position`, with what it takes along; 0 when there
  // is none.
  size_t tag_end(size_t position, std::string_view close, bool trims_newline) const {
    if (position < source_.size() && source_[position] == U'-' && looking_at(position + 1, close)) {
      return skip_space(position + 1 + close.size());
    }
    if (trims_newline && position < source_.size() && source_[position] == U'+' &&
        looking_at(position + 1, close)) {
      return position + 1 + close.size();
    }
    if (!looking_at(position, close)) return 0;
    const size_t end = position + close.size();
    return trims_newline && end < source_.size() && source_[end] == U'\n' ? end + 1 : end;
  }

  // `text` before a tag that begins with `sign`; a variable's tag strips nothing by itself.
  TextView strip_before(TextView text, char32_t sign, bool variable) const {
    if (sign == U'-') return strip_text(text, nullptr, false, true);
    if (sign == U'+' || variable) return text;
    const size_t newline = text.rfind(U'\n');
    const size_t begin = newline == TextView::npos ? 0 : newline + 1;
    if (begin == 0 && !line_starting_) return text;
    const TextView tail = text.substr(begin);
    return std::all_of(tail.begin(), tail.end(), is_space) ? text.substr(0, begin) : text;
  }

  void push_data(TextView text) {
    if (text.empty()) return;
    push(Token::Kind::kData).text = Text(text);
  }

  // Position behind "{% raw %}" when one begins at `position`, else 0.
  size_t raw_begin(size_t position) const {
    position += 2;
    if (position < source_.size() && (source_[position] == U'-' || source_[position] == U'+'))
      ++position;
    position = skip_space(position);
    if (!looking_at(position, "raw")) return 0;
    position = skip_space(position + 3);
    return tag_end(position, "%}", false);
  }

  // Text up to the next tag, and the tag.
  void data() {
    size_t begin = at_;
    while (begin < source_.size() && !(source_[begin] == U'{' && begin + 1 < source_.size() &&
                                       (source_[begin + 1] == U'{' || source_[begin + 1] == U'%' ||
                                        source_[begin + 1] == U'#'))) {
      ++begin;
    }
    const TextView text = TextView(source_).substr(at_, begin - at_);
    if (begin == source_.size()) {
      push_data(text);
      return advance(begin);
    }
    const char32_t kind = source_[begin + 1];
    const char32_t next = begin + 2 < source_.size() ? source_[begin + 2] : 0;
    const char32_t sign = next == U'-' || next == U'+' ? next : 0;
    push_data(strip_before(text, sign, kind == U'{'));
    const size_t raw = kind == U'%' ? raw_begin(begin) : 0;
    if (raw != 0) {
      advance(raw);
      return raw_block();
    }
    advance(begin + (sign != 0 ? 3 : 2));
    if (kind == U'#') return comment();
    push(kind == U'{' ? Token::Kind::kVariableBegin : Token::Kind::kBlockBegin);
    tag(kind == U'{');
  }

  void comment() {
    for (size_t position = at_; position < source_.size(); ++position) {
      if (const size_t end = tag_end(position, "#}", true); end != 0) return advance(end);
    }
    fail("a comment is not closed with '#}'");
  }

  void raw_block() {
    for (size_t position = at_; position + 1 < source_.size(); ++position) {
      if (!looking_at(position, "{%")) continue;
      size_t inside = position + 2;
      const char32_t next = inside < source_.size() ? source_[inside] : 0;
      const char32_t sign = next == U'-' || next == U'+' ? next : 0;
      inside = skip_space(inside + (sign != 0 ? 1 : 0));
      if (!looking_at(inside, "endraw")) continue;
      const size_t end = tag_end(skip_space(inside + 6), "%}", true);
      if (end == 0) continue;
      push_data(strip_before(TextView(source_).substr(at_, position - at_), sign, false));
      return advance(end);
    }
    fail("a raw block is not closed with 'endraw'");
  }

  // The inside of a tag, through its end.
  void tag(bool variable) {
    std::string open;
    while (true) {
      if (open.empty()) {
        const size_t end = variable ? tag_end(at_, "}}", false) : tag_end(at_, "%}", true);
        if (end != 0) {
          push(variable ? Token::Kind::kVariableEnd : Token::Kind::kBlockEnd);
          return advance(end);
        }
      }
      if (at_ >= source_.size())
        fail(variable ? "'{{' is not closed with '}}'" : "'{%' is not closed with '%}'");
      if (is_space(peek())) {
        advance(skip_space(at_));
      } else if (is_name_start(peek())) {
        name();
      } else if (is_ascii_digit(peek())) {
        number();
      } else if (peek() == U'\'' || peek() == U'"') {
        string();
      } else {
        op(open);
      }
    }
  }

  void name() {
    size_t end = at_;
    while (end < source_.size() && is_name_part(source_[end])) ++end;
    push(Token::Kind::kName).word = encode_text(TextView(source_).substr(at_, end - at_));
    advance(end);
  }

  // Digits with single underscores between them, from `position`; their end.
  size_t digits(size_t position) const {
    while (position < source_.size() &&
           (is_ascii_digit(source_[position]) ||
            (source_[position] == U'_' && position + 1 < source_.size() &&
             is_ascii_digit(source_[position + 1])))) {
      ++position;
    }
    return position;
  }

  size_t exponent(size_t position) const {
    if (position >= source_.size() || (source_[position] != U'e' && source_[position] != U'E'))
      return position;
    size_t at = position + 1;
    if (at < source_.size() && (source_[at] == U'+' || source_[at] == U'-')) ++at;
    return at < source_.size() && is_ascii_digit(source_[at]) ? digits(at) : position;
  }

  void number() {
    const char32_t letter = peek(1) | 0x20U;
    size_t end = 0;
    bool real = false;
    if (peek() == U'0' && (letter == U'x' || letter == U'o' || letter == U'b')) {
      end = at_ + 2;
      while (end < source_.size() && (is_name_part(source_[end]))) ++end;
    } else {
      end = digits(at_);
      const bool after_dot = at_ > 0 && source_[at_ - 1] == U'.';
      size_t more = end;
      if (!after_dot && end + 1 < source_.size() && source_[end] == U'.' &&
          is_ascii_digit(source_[end + 1])) {
        more = digits(end + 1);
      }
      if (!after_dot) more = exponent(more);
      real = more != end;
      end = more;
    }
    std::string word = encode_text(TextView(source_).substr(at_, end - at_));
    std::erase(word, '_');
    push(real ? Token::Kind::kFloat : Token::Kind::kInteger).word = std::move(word);
    advance(end);
  }

  char32_t hex(size_t position, size_t count) const {
    char32_t code = 0;
    for (size_t i = 0; i < count; ++i) {
      const char32_t c = position + i < source_.size() ? source_[position + i] : 0;
      const char32_t low = c | 0x20U;
      if (!is_ascii_digit(c) && (low < U'a' || low > U'f'))
        fail("an escape in a string lacks hexadecimal digits");
      code = code * 16 + (is_ascii_digit(c) ? c - U'0' : low - U'a' + 10);
    }
    if (code > 0x10FFFF) fail("an escape in a string is above U+10FFFF");
    return code;
  }

  // The escape whose letter stands at `position`; its end.
  size_t escape(size_t position, Text& text) const {
    constexpr std::string_view kLetters = "abfnrtv\\'\"";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
    const char32_t c = source_[position];
    if (c == U'\n') return position + 1;
    if (c >= U'0' && c <= U'7') {
      char32_t code = 0;
      size_t end = position;
      while (end < position + 3 && end < source_.size() && source_[end] >= U'0' &&
             source_[end] <= U'7') {
        code = code * 8 + (source_[end++] - U'0');
      }
      text += code;
      return end;
    }
    if (c == U'x' || c == U'u' || c == U'U') {
      const size_t count = c == U'x' ? 2 : (c == U'u' ? 4 : 8);
      text += hex(position + 1, count);
      return position + 1 + count;
    }
    if (c == U'N') fail("named characters (\\N{…}) are not known in strings");
    const size_t found = c < 0x80 ? kLetters.find(static_cast<char>(c)) : std::string_view::npos;
    if (found != std::string_view::npos) {
      text += static_cast<unsigned char>(kMeanings[found]);
    } else {
      text += U'\\';
      text += c;
    }
    return position + 1;
  }

  void string() {
    const char32_t quote = peek();
    Text text;
    size_t position = at_ + 1;
    while (position < source_.size() && source_[position] != quote) {
      if (source_[position] == U'\\' && position + 1 < source_.size()) {
        position = escape(position + 1, text);
      } else {
        text += source_[position++];
      }
    }
    if (position >= source_.size()) fail("a string is not closed");
    push(Token::Kind::kString).text = std::move(text);
    advance(position + 1);
  }

  void op(std::string& open) {
    constexpr std::array<std::string_view, 26> kOperators = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    const auto* found = std::find_if(kOperators.begin(), kOperators.end(),
                                     [&](std::string_view text) { return looking_at(text); });
    if (found == kOperators.end()) {
      fail("unexpected character '" + encode_text(TextView(source_).substr(at_, 1)) + "'");
    }
    constexpr std::string_view kOpen = "([{";
    constexpr std::string_view kClose = ")]}";
    if (kOpen.find(*found) != std::string_view::npos) open += kClose[kOpen.find(*found)];
    if (kClose.find(*found) != std::string_view::npos) {
      if (open.empty() || open.back() != (*found)[0])
        fail("unexpected '" + std::string(*found) + "'");
      open.pop_back();
    }
    push(Token::Kind::kOperator).word = std::string(*found);
    advance(at_ + found->size());
  }

  const Text source_;
  const std::string& where_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
};

}  // namespace

std::string at_line(const std::string& where, int line) {
  return where + ", line " + std::to_string(line);
}

std::vector<Token> tokenize(const Text& source, const std::string& where) {
  if (source.size() > kMostSource) {
    throw Error(ErrorCode::kBadFile, where, "is longer than a million characters");
  }
  return Lexer(normalize_newlines(source), where).run();
}

}  // namespace onmal::jinja

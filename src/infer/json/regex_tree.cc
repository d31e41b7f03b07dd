#include "infer/json/regex_tree.h"

#include <unicode/uset.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/error.h"
#include "text/utf8.h"

namespace onmal::json {
namespace {

constexpr uint32_t kLastCode = 0x10FFFF;
constexpr size_t kMaxPatternBytes = 4096;
constexpr int32_t kMaxRepeats = 10'000;
constexpr int kMaxDepth = 64;

std::vector<CodeRange> negated(std::span<const CodeRange> ranges) {
  std::vector<CodeRange> rest;
  uint32_t from = 0;
  for (const auto& [lo, hi] : ranges) {
    if (lo > from) rest.emplace_back(from, lo - 1);
    from = hi + 1;
  }
  if (from <= kLastCode) rest.emplace_back(from, kLastCode);
  return rest;
}

constexpr std::array<CodeRange, 1> kDigits = {{{'0', '9'}}};
constexpr std::array<CodeRange, 4> kWord = {{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}};
constexpr std::array<CodeRange, 10> kSpace = {{{0x09, 0x0D},
                                               {0x20, 0x20},
                                               {0xA0, 0xA0},
                                               {0x1680, 0x1680},
                                               {0x2000, 0x200A},
                                               {0x2028, 0x2029},
                                               {0x202F, 0x202F},
                                               {0x205F, 0x205F},
                                               {0x3000, 0x3000},
                                               {0xFEFF, 0xFEFF}}};
constexpr std::array<CodeRange, 3> kLineEnds = {{{0x0A, 0x0A}, {0x0D, 0x0D}, {0x2028, 0x2029}}};

std::vector<CodeRange> listed(std::span<const CodeRange> ranges) {
  return {ranges.begin(), ranges.end()};
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& where) : text_(text), where_(where) {
    if (text.size() > kMaxPatternBytes) unsupported("a pattern of more than 4096 bytes");
  }

  RegexTree parse() {
    RegexTree tree = choice();
    if (!done()) invalid("a ) without a (");
    return tree;
  }

 private:
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Error(ErrorCode::kUnsupported, where_, what + " cannot be honoured in a pattern",
                "write it without");
  }
  [[noreturn]] void invalid(const std::string& what) const {
    throw Error(ErrorCode::kInvalidArgument, where_,
                "not a regular expression: " + what + " at byte " + std::to_string(at_));
  }

  bool done() const { return at_ == text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }
  uint32_t take_code() {
    if (done()) invalid("the end");
    const Utf8Char read = read_utf8(text_, at_);
    at_ += read.length;
    return read.code;
  }

  static RegexTree of_class(std::vector<CodeRange> ranges) {
    RegexTree tree;
    tree.kind = RegexTree::Kind::kClass;
    tree.ranges = normalized(std::move(ranges));
    return tree;
  }

  RegexTree choice() {
    if (++depth_ > kMaxDepth) unsupported("groups nested more than 64 deep");
    RegexTree tree;
    tree.kind = RegexTree::Kind::kChoice;
    tree.parts.push_back(sequence());
    while (take("|")) tree.parts.push_back(sequence());
    --depth_;
    return tree;
  }

  RegexTree sequence() {
    RegexTree tree;
    while (!done() && peek() != '|' && peek() != ')') tree.parts.push_back(repeated());
    return tree;
  }

  RegexTree repeated() {
    RegexTree part = atom();
    RegexTree repeat;
    if (!take_bounds(repeat)) return part;
    if (part.kind == RegexTree::Kind::kBegin || part.kind == RegexTree::Kind::kEnd)
      invalid("a repeated anchor");
    take("?");  // a lazy match finds other borders in the same texts
    repeat.kind = RegexTree::Kind::kRepeat;
    repeat.parts.push_back(std::move(part));
    return repeat;
  }

  bool take_bounds(RegexTree& repeat) {
    if (take("*")) return true;
    if (take("+")) {
      repeat.least = 1;
      return true;
    }
    if (take("?")) {
      repeat.most = 1;
      return true;
    }
    if (peek() != '{') return false;
    ++at_;
    repeat.least = repeat.most = number();
    if (take(",")) repeat.most = peek() == '}' ? RegexTree::kEndless : number();
    if (!take("}")) invalid("a { without its }");
    if (repeat.most >= 0 && repeat.most < repeat.least) invalid("{m,n} with m > n");
    return true;
  }

  int32_t number() {
    if (peek() < '0' || peek() > '9') invalid("{ without a number");
    int32_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = 10 * value + (text_[at_++] - '0');
      if (value > kMaxRepeats) unsupported("a repetition of more than 10000 times");
    }
    return value;
  }

  RegexTree atom() {
    RegexTree tree;
    if (take("^")) {
      tree.kind = RegexTree::Kind::kBegin;
    } else if (take("$")) {
      tree.kind = RegexTree::Kind::kEnd;
    } else if (take(".")) {
      tree = of_class(negated(kLineEnds));
    } else if (take("(")) {
      open_group();
      tree = choice();
      if (!take(")")) invalid("a ( without its )");
    } else if (take("[")) {
      tree = of_class(class_ranges());
    } else if (take("\\")) {
      tree = of_class(escape(false));
    } else {
      const char c = peek();
      if (c == '*' || c == '+' || c == '?' || c == '{' || c == '}' || c == ']')
        invalid(std::string("a ") + c + " on its own");
      const uint32_t code = take_code();
      tree = of_class({{code, code}});
    }
    return tree;
  }

  void open_group() {
    if (take("?:")) return;
    if (take("?=") || take("?!") || take("?<=") || take("?<!")) unsupported("lookaround");
    if (take("?<")) {
      while (!done() && peek() != '>') ++at_;
      if (!take(">")) invalid("a group name without its >");
      return;
    }
    if (peek() == '?') unsupported("a group of this kind");
  }

  std::vector<CodeRange> class_ranges() {
    const bool negate = take("^");
    std::vector<CodeRange> all;
    while (!take("]")) {
      std::vector<CodeRange> first = class_atom();
      const bool range = peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      if (!range) {
        all.insert(all.end(), first.begin(), first.end());
        continue;
      }
      ++at_;
      const std::vector<CodeRange> last = class_atom();
      const auto single = [](const std::vector<CodeRange>& ranges) {
        return ranges.size() == 1 && ranges[0].first == ranges[0].second;
      };
      if (!single(first) || !single(last) || first[0].first > last[0].first)
        invalid("a range that makes no sense");
      all.emplace_back(first[0].first, last[0].first);
    }
    all = normalized(std::move(all));
    return negate ? negated(all) : all;
  }

  std::vector<CodeRange> class_atom() {
    if (done()) invalid("a [ without its ]");
    if (take("\\")) return escape(true);
    const uint32_t code = take_code();
    return {{code, code}};
  }

  std::vector<CodeRange> escape(bool in_class) {
    if (done()) invalid("a \\ at the end");
    const char c = text_[at_];
    if (c >= '1' && c <= '9') unsupported("a back reference");
    if ((c == 'b' && !in_class) || c == 'B') unsupported("\\b");
    if (c == 'k') unsupported("a back reference");
    const auto code = static_cast<unsigned char>(take_code());
    switch (c) {
      case 'd':
        return listed(kDigits);
      case 'D':
        return negated(kDigits);
      case 'w':
        return listed(kWord);
      case 'W':
        return negated(kWord);
      case 's':
        return listed(kSpace);
      case 'S':
        return negated(kSpace);
      case 'p':
        return property();
      case 'P':
        return negated(property());
      default:
        break;
    }
    const uint32_t single = escaped_code(c, code);
    return {{single, single}};
  }

  uint32_t escaped_code(char c, uint32_t code) {
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      case 'b':
        return '\b';
      case '0':
        return 0;
      case 'x':
        return hex(2);
      case 'u':
        return unicode();
      default:
        break;
    }
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
    if (is_letter) unsupported(std::string("\\") + c);
    return code;
  }

  uint32_t unicode() {
    if (take("{")) {
      uint32_t code = 0;
      while (peek() != '}') code = 16 * code + hex(1);
      ++at_;
      if (code > kLastCode) invalid("a code above 10FFFF");
      return code;
    }
    const uint32_t code = hex(4);
    if (code < 0xD800 || code > 0xDBFF) return code;
    if (!take("\\u")) invalid("half a surrogate pair");
    const uint32_t low = hex(4);
    if (low < 0xDC00 || low > 0xDFFF) invalid("half a surrogate pair");
    return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }

  uint32_t hex(int digits) {
    uint32_t code = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = peek();
      const int value = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (value < 0 || code > kLastCode) invalid("an escape without its digits");
      code = 16 * code + static_cast<uint32_t>(value);
      ++at_;
    }
    return code;
  }

  // \p{…}, as ICU knows it.
  std::vector<CodeRange> property() {
    if (!take("{")) invalid("\\p without {");
    const size_t begin = at_;
    while (!done() && peek() != '}') ++at_;
    const std::string name(text_.substr(begin, at_ - begin));
    if (!take("}")) invalid("\\p{ without }");
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '=';
    });
    std::u16string source = u"[\\p{";
    source.append(name.begin(), name.end());
    source += u"}]";
    UErrorCode status = U_ZERO_ERROR;
    USet* set = uset_openPattern(source.data(), static_cast<int32_t>(source.size()), &status);
    if (!plain || U_FAILURE(status)) unsupported("\\p{" + name + "}");
    std::vector<CodeRange> ranges;
    for (int32_t i = 0; i < uset_getItemCount(set); ++i) {
      UChar32 lo = 0;
      UChar32 hi = 0;
      if (uset_getItem(set, i, &lo, &hi, nullptr, 0, &status) == 0)
        ranges.emplace_back(static_cast<uint32_t>(lo), static_cast<uint32_t>(hi));
    }
    uset_close(set);
    return normalized(std::move(ranges));
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::vector<CodeRange> normalized(std::vector<CodeRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<CodeRange> joined;
  for (const CodeRange& range : ranges) {
    if (!joined.empty() && range.first <= joined.back().second + 1) {
      joined.back().second = std::max(joined.back().second, range.second);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

RegexTree parse_regex(std::string_view pattern, const std::string& where) {
  return Parser(pattern, where).parse();
}

}  // namespace onmal::json

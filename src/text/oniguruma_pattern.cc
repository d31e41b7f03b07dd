#include "text/oniguruma_pattern.h"

#include <unicode/uniset.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <initializer_list>
#include <vector>

#include "base/error.h"

namespace onmal {
namespace {

constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view kHex = "0-9a-fA-F";
constexpr int kDeepest = 100;

std::string hexadecimal(int32_t code) {
  std::array<char, 8> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), code, 16).ptr;
  return {digits.data(), end};
}

std::string join(std::initializer_list<std::string_view> parts) {
  std::string joined;
  for (const std::string_view part : parts) joined.append(part);
  return joined;
}

class Translator {
 public:
  Translator(std::string_view pattern, const std::string& where)
      : pattern_(pattern), where_(where) {}

  std::string translate() {
    // In linear time where the engine would try each space of a run anew.
    if (pattern_ == R"(\s+$)") return R"((?m)(?<!\p{wspace})\p{wspace}+$)";
    out_ = "(?m)";
    while (at_ < pattern_.size()) step();
    return out_;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kUnsupported, where_,
                "the pattern '" + std::string(pattern_.substr(0, 200)) + "' has " + what +
                    " at byte " + std::to_string(at_));
  }

  char peek(size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }

  void begin_atom() { atom_ = out_.size(); }

  void step() {
    switch (peek()) {
      case '\\':
        begin_atom();
        out_ += escape();
        return;
      case '[':
        begin_atom();
        out_ += set();
        return;
      case '(':
        open_group();
        return;
      case ')':
        if (!groups_.empty()) {
          atom_ = groups_.back();
          groups_.pop_back();
        }
        out_ += pattern_[at_++];
        return;
      case '{':
        repeat();
        return;
      case '*':
      case '+':
      case '?':
      case '|':
        out_ += pattern_[at_++];
        return;
      default:
        begin_atom();
        do out_ += pattern_[at_++];
        while (at_ < pattern_.size() && (static_cast<uint8_t>(pattern_[at_]) & 0xC0) == 0x80);
    }
  }

  void open_group() {
    groups_.push_back(out_.size());
    out_ += pattern_[at_++];
    if (groups_.size() > kDeepest) refuse("groups nested too deep");
    if (peek() != '?') return;
    // Options: Ruby's m makes the dot match newlines, which is s here.
    size_t end = at_ + 1;
    while (end < pattern_.size() &&
           std::string_view("imx-").find(pattern_[end]) != std::string_view::npos)
      ++end;
    if (end == at_ + 1 || end >= pattern_.size() || (pattern_[end] != ':' && pattern_[end] != ')'))
      return;
    for (; at_ < end; ++at_) out_ += pattern_[at_] == 'm' ? 's' : pattern_[at_];
  }

  // {n,m} at the current place; anything else in braces is text.
  void repeat() {
    size_t end = at_ + 1;
    while (end < pattern_.size() &&
           (pattern_[end] == ',' || (pattern_[end] >= '0' && pattern_[end] <= '9')))
      ++end;
    const std::string_view inside = pattern_.substr(at_ + 1, end - at_ - 1);
    if (end >= pattern_.size() || pattern_[end] != '}' || inside.empty() || inside == ",") {
      begin_atom();
      out_ += "\\{";
      ++at_;
      return;
    }
    out_ += inside[0] == ',' ? "{0" : "{";
    out_.append(inside).append("}");
    at_ = end + 1;
    if (peek() != '+') return;
    out_ = join({std::string_view(out_).substr(0, atom_),
                 "(?:", std::string_view(out_).substr(atom_), ")+"});
    ++at_;
  }

  // \uHHHH or \x{H…}: the code; -1 for anything else.
  std::string hex_escape() {
    std::string digits;
    size_t end = at_ + 2;
    const bool braces = peek(2) == '{';
    const size_t most = braces ? 8 : peek(1) == 'u' ? 4 : 2;
    if (braces) ++end;
    while (end < pattern_.size() && digits.size() < most &&
           std::isxdigit(static_cast<unsigned char>(pattern_[end])) != 0)
      digits += pattern_[end++];
    if (digits.empty() || (braces && (end >= pattern_.size() || pattern_[end] != '}')))
      refuse("a malformed character code");
    at_ = end + (braces ? 1 : 0);
    return join({"\\x{", digits, "}"});
  }

  std::string property() {
    const size_t end = pattern_.find('}', at_);
    if (peek(2) != '{' || end == std::string_view::npos) refuse("a malformed property");
    std::string name(pattern_.substr(at_ + 3, end - at_ - 3));
    std::string letter(1, peek(1));
    at_ = end + 1;
    const bool negative = name.starts_with('^');
    if (negative) name.erase(0, 1);
    if (negative) letter[0] = letter[0] == 'p' ? 'P' : 'p';
    struct Alias {
      std::string_view from, to;
    };
    constexpr std::array<Alias, 8> kAliases = {{{"Letter", "L"},
                                                {"Number", "N"},
                                                {"Punct", "P"},
                                                {"Punctuation", "P"},
                                                {"Symbol", "S"},
                                                {"Mark", "M"},
                                                {"Digit", "Nd"},
                                                {"Space", "wspace"}}};
    for (const Alias& alias : kAliases) {
      if (name == alias.from) name = alias.to;
    }
    if (name == "Alnum" || name == "Word" || name == "Alpha")
      name = name == "Alpha" ? "Alphabetic" : "Xan";
    return join({"\\", letter, "{", name, "}"});
  }

  // An escape outside a class.
  std::string escape() {
    const std::string word = join({"[", kWord, "]"});
    switch (peek(1)) {
      case 'w':
        at_ += 2;
        return word;
      case 'W':
        at_ += 2;
        return join({"[^", kWord, "]"});
      case 'b':
        at_ += 2;
        return join({"(?:(?<=", word, ")(?!", word, ")|(?<!", word, ")(?=", word, "))"});
      case 'B':
        at_ += 2;
        return join({"(?:(?<=", word, ")(?=", word, ")|(?<!", word, ")(?!", word, "))"});
      case 'h':
      case 'H':
        at_ += 2;
        return join({pattern_[at_ - 1] == 'h' ? "[" : "[^", kHex, "]"});
      default:
        return shared_escape();
    }
  }

  // An escape that means the same in a class.
  std::string shared_escape() {
    switch (peek(1)) {
      case 's':
        at_ += 2;
        return R"(\p{wspace})";
      case 'S':
        at_ += 2;
        return R"(\P{wspace})";
      case 'd':
        at_ += 2;
        return R"(\p{Nd})";
      case 'D':
        at_ += 2;
        return R"(\P{Nd})";
      case 'v':
        at_ += 2;
        return R"(\x{B})";
      case 'u':
      case 'x':
        return hex_escape();
      case 'p':
      case 'P':
        return property();
      case '\0':
        refuse("a backslash at its end");
      default: {
        std::string text(pattern_.substr(at_, 2));
        at_ += 2;
        // A backslash before a character of several bytes, or one that needs none.
        if ((static_cast<uint8_t>(text[1]) & 0x80) != 0) return text.substr(1);
        return text;
      }
    }
  }

  // The class that begins here, as one class of ours.
  std::string set() {
    const size_t begin = at_;
    std::string simple;
    if (simple_set(simple)) return simple;
    at_ = begin;
    if (simple_intersection(simple)) return simple;
    at_ = begin;
    const icu::UnicodeSet codes = full_set(0);
    std::string ranges = "[";
    for (int32_t i = 0; i < codes.getRangeCount(); ++i) {
      const int32_t first = codes.getRangeStart(i);
      const int32_t last = codes.getRangeEnd(i);
      // Surrogates are no characters and no part of a pattern.
      const auto put = [&](int32_t from, int32_t to) {
        if (from <= to) ranges += join({"\\x{", hexadecimal(from), "}-\\x{", hexadecimal(to), "}"});
      };
      put(first, std::min(last, 0xD7FF));
      put(std::max(first, 0xE000), last);
    }
    if (ranges.size() == 1) return "(?!)";
    ranges.push_back(']');
    return ranges;
  }

  // False when it holds other classes or intersections.
  bool simple_set(std::string& out) {
    out.assign(1, '[');
    ++at_;
    if (peek() == '^') out += pattern_[at_++];
    if (peek() == ']') out += "\\]", ++at_;
    while (peek() != ']') {
      if (at_ >= pattern_.size()) refuse("a class without an end");
      if (peek() == '[' && peek(1) != ':') return false;
      if (peek() == '&' && peek(1) == '&') return false;
      if (peek() == '[') {
        const size_t end = pattern_.find(":]", at_);
        if (end == std::string_view::npos) refuse("a malformed class");
        out.append(pattern_.substr(at_, end + 2 - at_));
        at_ = end + 2;
      } else if (peek() == '\\') {
        const char letter = peek(1);
        if (letter == 'W' || letter == 'H') return false;
        if (letter == 'w' || letter == 'h') {
          out += letter == 'w' ? kWord : kHex;
          at_ += 2;
        } else {
          out += shared_escape();
        }
      } else {
        out += pattern_[at_++];
      }
    }
    ++at_;
    out += ']';
    return true;
  }

  // [A&&[^B]…] of classes that need no writing out: as many bytes as there are, where lists of all
  // their characters would fill tens of kilobytes.
  bool simple_intersection(std::string& out) {
    std::vector<std::string> operands(1);
    int depth = 1;
    for (++at_; depth > 0; ++at_) {
      if (at_ >= pattern_.size()) return false;
      const char c = pattern_[at_];
      if (depth == 1 && c == '&' && peek(1) == '&') {
        operands.emplace_back();
        ++at_;
        continue;
      }
      if (c == '[') ++depth;
      if (c == ']') --depth;
      if (depth > 0) operands.back() += c;
      if (c == '\\' && at_ + 1 < pattern_.size()) operands.back() += pattern_[++at_];
    }
    std::string conditions;
    std::string last;
    for (const std::string& operand : operands) {
      if (operand.empty() || operand[0] == '^' || operand.starts_with("[:")) return false;
      const std::string whole = operand[0] == '[' ? operand : join({"[", operand, "]"});
      Translator inner(whole, where_);
      if (!inner.simple_set(last) || inner.at_ != whole.size()) return false;
      if (&operand != &operands.back()) conditions += join({"(?=", last, ")"});
    }
    out = join({"(?:", conditions, last, ")"});
    return true;
  }

  icu::UnicodeSet icu_set(const std::string& source) const {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeSet codes(icu::UnicodeString::fromUTF8(source), status);
    if (U_FAILURE(status)) refuse("a class that is not understood ('" + source + "')");
    return codes;
  }

  // One member that is not a class: its characters.
  icu::UnicodeSet member() {
    if (peek() == '\\') {
      const char letter = peek(1);
      if (std::string_view("wWhH").find(letter) != std::string_view::npos) {
        at_ += 2;
        const std::string inside(
            letter == 'w' || letter == 'W' ? R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})" : "0-9a-fA-F");
        return icu_set(join({letter == 'w' || letter == 'h' ? "[" : "[^", inside, "]"}));
      }
      const std::string text = shared_escape();
      if (text.starts_with("\\p") || text.starts_with("\\P")) {
        std::string name = text;
        if (const size_t place = name.find("wspace"); place != std::string::npos)
          name.replace(place, 6, "White_Space");
        return icu_set(join({"[", name, "]"}));
      }
      return icu_set(join({"[", text, "]"}));
    }
    const size_t begin = at_++;
    while (at_ < pattern_.size() && (static_cast<uint8_t>(pattern_[at_]) & 0xC0) == 0x80) ++at_;
    const std::string_view bytes = pattern_.substr(begin, at_ - begin);
    icu::UnicodeSet codes;
    codes.add(icu::UnicodeString::fromUTF8(
        icu::StringPiece(bytes.data(), static_cast<int32_t>(bytes.size()))));
    return codes;
  }

  icu::UnicodeSet full_set(int depth) {
    if (depth > 20) refuse("classes nested too deep");
    ++at_;
    const bool negative = peek() == '^';
    if (negative) ++at_;
    icu::UnicodeSet all;
    all.add(0, 0x10FFFF);
    icu::UnicodeSet part;
    while (peek() != ']') {
      if (at_ >= pattern_.size()) refuse("a class without an end");
      if (peek() == '&' && peek(1) == '&') {
        at_ += 2;
        all.retainAll(part);
        part.clear();
        continue;
      }
      if (peek() == '[' && peek(1) != ':') {
        part.addAll(full_set(depth + 1));
        continue;
      }
      if (peek() == '[') refuse("a named class inside a nested one");
      const icu::UnicodeSet first = member();
      if (peek() == '-' && peek(1) != ']' && first.size() == 1) {
        ++at_;
        const icu::UnicodeSet last = member();
        if (last.size() != 1 || last.charAt(0) < first.charAt(0)) refuse("a malformed range");
        part.add(first.charAt(0), last.charAt(0));
      } else {
        part.addAll(first);
      }
    }
    ++at_;
    all.retainAll(part);
    if (negative) all.complement();
    return all;
  }

  std::string_view pattern_;
  const std::string& where_;
  size_t at_ = 0;
  std::string out_;
  size_t atom_ = 0;  // where the last atom begins in out_
  std::vector<size_t> groups_;
};

}  // namespace

std::string translate_oniguruma(std::string_view pattern, const std::string& where) {
  return Translator(pattern, where).translate();
}

}  // namespace onmal

#include "corpus/clean/code_lines.h"

#include <algorithm>
#include <array>

#include "text/utf8_runs.h"

namespace onmal {
namespace {

// What kinds a byte is of, as bits.
enum Sign : uint8_t {
  kLower = 1,
  kUpper = 2,
  kDigit = 4,
  kUnderscore = 8,
  kName = kLower | kUpper | kDigit | kUnderscore,
  kCodeSign = 16,  // that code has and prose does not have much of
  kQuote = 32,
  kHigh = 64,
};

constexpr std::array<uint8_t, 256> signs_of_bytes() {
  std::array<uint8_t, 256> table = {};
  for (size_t i = 'a'; i <= 'z'; ++i) table[i] = kLower;
  for (size_t i = 'A'; i <= 'Z'; ++i) table[i] = kUpper;
  for (size_t i = '0'; i <= '9'; ++i) table[i] = kDigit;
  for (size_t i = 0x80; i < 256; ++i) table[i] = kHigh;
  table['_'] = kUnderscore;
  for (const char c : {'{',  '}', '[', ']', '(', ')', '<', '>', ';', '=', '|', '&', '$',
                       '\\', '_', '+', '*', '/', '"', '^', '~', '%', '@', '#', '`'})
    table[static_cast<uint8_t>(c)] |= kCodeSign;
  for (const char c : {'"', '\'', '`'}) table[static_cast<uint8_t>(c)] |= kQuote;
  return table;
}
constexpr std::array<uint8_t, 256> kSigns = signs_of_bytes();

uint8_t sign_of(char c) { return kSigns[static_cast<uint8_t>(c)]; }
bool is_letter(char c) { return (sign_of(c) & (kLower | kUpper)) != 0; }
bool is_name(char c) { return (sign_of(c) & kName) != 0; }

// First words of statements and commands.
constexpr auto kKeywordList = std::to_array<std::string_view>(
    {"import",  "from",   "def",       "class",   "return",   "if",        "else",      "elif",
     "for",     "while",  "function",  "const",   "let",      "var",       "public",    "private",
     "static",  "using",  "namespace", "export",  "#include", "#define",   "#ifdef",    "#endif",
     "#pragma", "struct", "enum",      "void",    "int",      "auto",      "template",  "async",
     "await",   "try",    "except",    "catch",   "switch",   "case",      "break",     "print",
     "package", "func",   "SELECT",    "INSERT",  "UPDATE",   "CREATE",    "DELETE",    "FROM",
     "WHERE",   "git",    "pip",       "npm",     "npx",      "yarn",      "sudo",      "docker",
     "cd",      "curl",   "python",    "pip3",    "conda",    "apt",       "apt-get",   "with",
     "assert",  "raise",  "yield",     "extends", "type",     "interface", "protected", "final"});

// The keywords by their first byte.
class KeywordTable {
 public:
  constexpr KeywordTable() : keywords_(kKeywordList) {
    std::sort(keywords_.begin(), keywords_.end());
    for (const std::string_view keyword : keywords_)
      for (size_t c = static_cast<size_t>(keyword[0]) + 1; c <= 128; ++c) ++begins_[c];
  }

  bool contains(std::string_view word) const {
    const auto first = static_cast<uint8_t>(word[0]);
    if (first >= 128) return false;
    for (size_t i = begins_[first]; i < begins_[first + 1U]; ++i)
      if (keywords_[i] == word) return true;
    return false;
  }
  static constexpr size_t kLongest = 10;

 private:
  std::array<std::string_view, kKeywordList.size()> keywords_;
  std::array<uint8_t, 129> begins_ = {};
};
constexpr KeywordTable kKeywords;

struct LineSigns {
  int signs = 0;       // code's signs
  int characters = 0;  // all but blanks, outside quotes; a character of another script is one
  int high = 0;        // of other scripts
  int operators = 0;
  int calls = 0;
  int names = 0;  // snake_case, camelCase, a.b
  int words = 0;  // plain words in a row
  int most_words = 0;
};

// The place behind a string that begins at `at`, or `at` where it does not end in the line.
size_t skip_string(std::string_view line, size_t at) {
  const char quote = line[at];
  if (at > 0 && is_name(line[at - 1]) && quote == '\'') return at;
  const size_t last = std::min(line.size(), at + 300);
  for (size_t i = at + 1; i < last; ++i) {
    if (line[i] == '\\')
      ++i;
    else if (line[i] == quote)
      return i + 1;
  }
  return at;
}

bool is_operator(char a, char b) {
  switch (a) {
    case '=':
      return b == '>' || b == '=';
    case '-':
      return b == '>';
    case ':':
      return b == ':' || b == '=';
    case '!':
    case '+':
    case '*':
    case '|':
      return b == '=' || (a == '|' && b == '|');
    case '&':
      return b == '&';
    case '<':
      return b == '/' || b == '<';
    case '/':
      return b == '>';
    case '(':
    case '[':
    case '{':
      return b == (a == '(' ? ')' : a == '[' ? ']' : '}');
    default:
      return false;
  }
}

// One word of name characters from `at`: a plain word, or a name only code has.
size_t read_word(std::string_view line, size_t at, LineSigns& signs) {
  size_t end = at;
  uint8_t before = 0;
  bool name = false;
  while (end < line.size()) {
    const uint8_t sign = sign_of(line[end]);
    if ((sign & kName) == 0) break;
    if ((sign & (kUpper | kUnderscore)) != 0) {
      name = name || (sign & kUpper ? (before & kLower) != 0 : end > at);
      signs.signs += (sign & kUnderscore) != 0 ? 1 : 0;
    }
    before = sign;
    ++end;
  }
  if (end + 1 < line.size() && line[end] == '.' && is_letter(line[end + 1])) name = true;
  signs.characters += static_cast<int>(end - at);
  if (end < line.size() && line[end] == '(') ++signs.calls;
  if (name) ++signs.names;
  const bool plain = !name && is_letter(line[at]) &&
                     (end == line.size() || line[end] == ' ' || line[end] == ',' ||
                      line[end] == '.' || line[end] == '\'' || line[end] == '-');
  signs.words = plain ? signs.words + 1 : 0;
  signs.most_words = std::max(signs.most_words, signs.words);
  return end;
}

// The bytes beyond ASCII from `at` on: one character for each that begins one.
size_t read_high(std::string_view line, size_t at, LineSigns& signs) {
  // Prose of Hangul with nothing else than blanks, stops and commas, which change no other sign.
  size_t end = at;
  for (; at >= 2 && end + kBlockBytes <= line.size(); end += kBlockBytes) {
    const ByteBlock block = load_block(line.data() + end);
    const ByteBlock mark = (block == '.') | (block == ',');
    const ByteBlock high = block >= 0x80;
    if (any_of(not_ascii_or_hangul(line.data() + end) | ~(high | mark | (block == ' ')))) break;
    const size_t leads = count_true(hangul_leads(block));
    signs.high += static_cast<int>(leads);
    signs.characters += static_cast<int>(leads + count_true(mark));
  }
  if (end > at) {
    const size_t whole = without_cut_hangul(line, at, end);
    signs.high -= whole < end ? 1 : 0;
    signs.characters -= whole < end ? 1 : 0;
    return whole;
  }
  int characters = 0;
  do {
    if (is_hangul_at(line, at)) {
      ++characters;
      at += 3;
    } else {
      characters += (static_cast<uint8_t>(line[at]) & 0xC0) != 0x80 ? 1 : 0;
      ++at;
    }
  } while (at < line.size() && static_cast<uint8_t>(line[at]) >= 0x80);
  signs.characters += characters;
  signs.high += characters;
  return at;
}

LineSigns count_signs(std::string_view line) {
  LineSigns signs;
  for (size_t i = 0; i < line.size();) {
    const char c = line[i];
    const uint8_t sign = sign_of(c);
    if ((sign & kName) != 0) {
      i = read_word(line, i, signs);
      continue;
    }
    if ((sign & kHigh) != 0) {
      i = read_high(line, i, signs);
      continue;
    }
    if (c == ' ') {
      ++i;
      continue;
    }
    if ((sign & kQuote) != 0) {
      const size_t behind = skip_string(line, i);
      if (behind > i) {
        signs.signs += 2;
        signs.characters += 2;
        i = behind;
        continue;
      }
    }
    if (c == '/' && i + 1 < line.size() && line[i + 1] == '/' && i > 0 && line[i - 1] == ' ') break;
    if (c == '#' && i > 1 && line[i - 1] == ' ' && line[i - 2] != '#') break;
    if (c != '\t') ++signs.characters;
    if ((sign & kCodeSign) != 0) ++signs.signs;
    if (c != ',' && c != '\'' && c != '-' && c != '.') signs.words = 0;
    if (i + 1 < line.size() && is_operator(c, line[i + 1])) ++signs.operators;
    if (c == '=' && i > 0 && line[i - 1] == ' ' && i + 1 < line.size() && line[i + 1] == ' ')
      ++signs.operators;
    ++i;
  }
  return signs;
}

std::string_view trim_blanks(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t'))
    line.remove_suffix(1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  return line;
}

bool ends_keyword(char c) {
  return c == ' ' || c == '(' || c == ':' || c == '{' || c == '<' || c == '\t';
}

bool begins_with_keyword(std::string_view line) {
  if (static_cast<uint8_t>(line[0]) >= 0x80) return false;
  const std::string_view begin = line.substr(0, KeywordTable::kLongest + 1);
  size_t end = 0;
  while (end < begin.size() && !ends_keyword(begin[end])) ++end;
  return end > 0 && end < begin.size() && kKeywords.contains(line.substr(0, end));
}

bool is_comment(std::string_view line) {
  if (std::string_view("/*<#\"-").find(line.front()) == line.npos) return false;
  return line.starts_with("//") || line.starts_with("/*") || line.starts_with("*/") ||
         line.starts_with("<!--") || line.starts_with("# ") || line.starts_with("\"\"\"") ||
         (line.starts_with("--") && line.size() > 2 && line[2] == ' ');
}

bool is_prompt(std::string_view line) {
  const char first = line.front();
  return (first == '$' && line.starts_with("$ ")) || (first == '>' && line.starts_with(">>> ")) ||
         (first == '.' && line.starts_with("... "));
}

int line_score(std::string_view line, bool indented) {
  const LineSigns signs = count_signs(line);
  if (signs.characters == 0) return 0;
  int score = std::min(signs.operators, 3) + std::min(signs.calls, 2) + (signs.names > 0 ? 1 : 0);
  const int share = 100 * signs.signs / signs.characters;
  score += share >= 25 ? 2 : share >= 14 ? 1 : 0;
  const char last = line.back();
  const auto has_entities = [&] {
    return line.find("&#") != line.npos || line.find("&amp;") != line.npos;
  };
  if (last == '{' || last == '}' || (last == ';' && !has_entities())) score += 2;
  if (last == ')' || last == ']' || last == ',' || last == ':' || last == '\\') score += 1;
  if (begins_with_keyword(line)) score += signs.most_words > 5 ? 0 : 2;
  if (is_prompt(line) || (line.front() == '<' && last == '>') ||
      (line.front() == '@' && line.find(' ') == line.npos && last != ':'))
    score += 3;
  // Headings of wikis; mentions.
  if (line.front() == '=' || (line.front() == '@' && signs.words > 1)) score -= 4;
  if (indented) score += 1;
  if (signs.most_words > 4) score -= signs.most_words > 7 ? 4 : 2;
  // Links, emphasis and code in Markdown, and prose around names.
  if (line.find("](") != line.npos || line.find("**") != line.npos || line.front() == '|')
    score -= 3;
  const int high = 100 * signs.high / signs.characters;
  if (high > 10) score -= high > 25 ? 5 : 3;
  return score;
}

}  // namespace

LineKind line_kind(std::string_view whole) {
  // What is longer is judged by its begin.
  const std::string_view line = trim_blanks(whole.substr(0, 4096));
  if (line.empty()) return LineKind::kEmpty;
  if (is_comment(line)) return LineKind::kComment;
  const bool indented = whole[0] == '\t' || whole.starts_with("  ");
  const int least = line.size() < 4 ? 2 : 3;
  return line_score(line, indented) >= least ? LineKind::kCode : LineKind::kProse;
}

}  // namespace onmal

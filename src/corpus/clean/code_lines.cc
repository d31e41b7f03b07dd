#include "corpus/clean/code_lines.h"

#include <algorithm>
#include <array>

namespace onmal {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; }
bool is_high(char c) { return static_cast<uint8_t>(c) >= 0x80; }

// Signs that code has and prose does not have much of.
constexpr std::array<bool, 256> code_signs() {
  std::array<bool, 256> table = {};
  for (const char c : {'{',  '}', '[', ']', '(', ')', '<', '>', ';', '=', '|', '&', '$',
                       '\\', '_', '+', '*', '/', '"', '^', '~', '%', '@', '#', '`'})
    table[static_cast<uint8_t>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kCodeSigns = code_signs();

// First words of statements and commands.
constexpr auto kKeywords = std::to_array<std::string_view>(
    {"import",  "from",   "def",       "class",   "return",   "if",        "else",      "elif",
     "for",     "while",  "function",  "const",   "let",      "var",       "public",    "private",
     "static",  "using",  "namespace", "export",  "#include", "#define",   "#ifdef",    "#endif",
     "#pragma", "struct", "enum",      "void",    "int",      "auto",      "template",  "async",
     "await",   "try",    "except",    "catch",   "switch",   "case",      "break",     "print",
     "package", "func",   "SELECT",    "INSERT",  "UPDATE",   "CREATE",    "DELETE",    "FROM",
     "WHERE",   "git",    "pip",       "npm",     "npx",      "yarn",      "sudo",      "docker",
     "cd",      "curl",   "python",    "pip3",    "conda",    "apt",       "apt-get",   "with",
     "assert",  "raise",  "yield",     "extends", "type",     "interface", "protected", "final"});

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
  bool lower = false;
  bool name = false;
  while (end < line.size() && is_name(line[end])) {
    const char c = line[end];
    name = name || (c == '_' && end > at) || (lower && c >= 'A' && c <= 'Z');
    lower = c >= 'a' && c <= 'z';
    signs.signs += c == '_' ? 1 : 0;
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

LineSigns count_signs(std::string_view line) {
  LineSigns signs;
  for (size_t i = 0; i < line.size();) {
    const char c = line[i];
    if (is_name(c)) {
      i = read_word(line, i, signs);
      continue;
    }
    if (c == '"' || c == '\'' || c == '`') {
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
    if (is_high(c)) {
      // Lead bytes only: one for each character.
      const bool lead = (static_cast<uint8_t>(c) & 0xC0) != 0x80;
      signs.characters += lead ? 1 : 0;
      signs.high += lead ? 1 : 0;
      ++i;
      continue;
    }
    if (c != ' ' && c != '\t') ++signs.characters;
    if (kCodeSigns[static_cast<uint8_t>(c)]) ++signs.signs;
    if (c != ' ' && c != ',' && c != '\'' && c != '-' && c != '.') signs.words = 0;
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

bool begins_with_keyword(std::string_view line) {
  const size_t end = std::min(line.find_first_of(" (:{<\t"), line.size());
  if (end == line.size() || end > 10) return false;
  return std::find(kKeywords.begin(), kKeywords.end(), line.substr(0, end)) != kKeywords.end();
}

bool is_comment(std::string_view line) {
  return line.starts_with("//") || line.starts_with("/*") || line.starts_with("*/") ||
         line.starts_with("<!--") || line.starts_with("# ") || line.starts_with("\"\"\"") ||
         (line.starts_with("--") && line.size() > 2 && line[2] == ' ');
}

int line_score(std::string_view line, bool indented) {
  const LineSigns signs = count_signs(line);
  if (signs.characters == 0) return 0;
  int score = std::min(signs.operators, 3) + std::min(signs.calls, 2) + (signs.names > 0 ? 1 : 0);
  const int share = 100 * signs.signs / signs.characters;
  score += share >= 25 ? 2 : share >= 14 ? 1 : 0;
  const char last = line.back();
  const bool entities = line.find("&#") != line.npos || line.find("&amp;") != line.npos;
  if (last == '{' || (last == ';' && !entities) || last == '}') score += 2;
  if (last == ')' || last == ']' || last == ',' || last == ':' || last == '\\') score += 1;
  if (begins_with_keyword(line)) score += signs.most_words > 5 ? 0 : 2;
  if (line.starts_with("$ ") || line.starts_with(">>> ") || line.starts_with("... ") ||
      (line.front() == '<' && last == '>') ||
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

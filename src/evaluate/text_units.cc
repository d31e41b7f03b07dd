#include "evaluate/text_units.h"

#include <algorithm>

#include "text/characters.h"
#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

bool is_space(std::string_view character) {
  const Utf8Char c = read_utf8(character, 0);
  return c.valid && (is_white_space(c.code) || (c.code >= 0x1C && c.code <= 0x1F));
}

bool is_digit(std::string_view character) {
  return character.size() == 1 && character[0] >= '0' && character[0] <= '9';
}

bool is_point(std::string_view character) { return character == "." || character == ","; }

// ASCII punctuation but the apostrophe, comma, hyphen and full stop.
bool stands_alone(std::string_view character) {
  return is_ascii_punctuation(character) && character != "'" && character != "," &&
         character != "-" && character != ".";
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

using Characters = std::vector<std::string>;

// Replaces neighbouring characters that match by themselves with spaces put in, from left to right
// without overlaps, as a regular expression's substitution does.
template <typename Match>
Characters space_pairs(const Characters& in, const Match& matches, bool space_before_second,
                       bool space_before_first, bool space_after) {
  Characters out;
  for (size_t i = 0; i < in.size(); ++i) {
    if (i + 1 == in.size() || !matches(in[i], in[i + 1])) {
      out.push_back(in[i]);
      continue;
    }
    if (space_before_first) out.push_back(" ");
    out.push_back(in[i]);
    if (space_before_second) out.push_back(" ");
    out.push_back(in[i + 1]);
    if (space_after) out.push_back(" ");
    ++i;
  }
  return out;
}

// mteval-v13a.pl's tokenisation (NIST), in the order of its rules.
std::string tokenize_13a(std::string_view text) {
  std::string line(text);
  replace_all(line, "<skipped>", "");
  replace_all(line, "-\n", "");
  replace_all(line, "\n", " ");
  replace_all(line, "&quot;", "\"");
  replace_all(line, "&amp;", "&");
  replace_all(line, "&lt;", "<");
  replace_all(line, "&gt;", ">");
  Characters marked;
  for (const std::string& c : characters_of(" " + line + " ")) {
    if (stands_alone(c)) {
      marked.insert(marked.end(), {" ", c, " "});
    } else {
      marked.push_back(c);
    }
  }
  marked = space_pairs(
      marked, [](const auto& a, const auto& b) { return !is_digit(a) && is_point(b); }, true, false,
      true);
  marked = space_pairs(
      marked, [](const auto& a, const auto& b) { return is_point(a) && !is_digit(b); }, true, true,
      false);
  marked = space_pairs(
      marked, [](const auto& a, const auto& b) { return is_digit(a) && b == "-"; }, true, false,
      true);
  std::string out;
  for (const std::string& c : marked) out += c;
  return out;
}

std::vector<std::string> part_syllables(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const std::string& word : words) {
    std::string run;
    for (std::string& c : characters_of(word)) {
      const Utf8Char character = read_utf8(c, 0);
      if (!character.valid || !is_hangul_syllable(character.code)) {
        run += c;
        continue;
      }
      if (!run.empty()) out.push_back(std::move(run));
      run.clear();
      out.push_back(std::move(c));
    }
    if (!run.empty()) out.push_back(std::move(run));
  }
  return out;
}

}  // namespace

bool is_ascii_punctuation(std::string_view character) {
  if (character.size() != 1) return false;
  const char c = character[0];
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

std::vector<std::string> characters_of(std::string_view text) {
  const std::vector<std::string_view> characters = split_characters(text);
  return {characters.begin(), characters.end()};
}

std::vector<std::string> split_white_space(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const std::string& c : characters_of(text)) {
    if (!is_space(c)) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

std::vector<std::string> cut_text(std::string_view text, TextUnits units) {
  switch (units) {
    case TextUnits::kWhiteSpace:
      return split_white_space(text);
    case TextUnits::k13a:
      return split_white_space(tokenize_13a(text));
    case TextUnits::kSyllable:
      return part_syllables(split_white_space(tokenize_13a(text)));
    case TextUnits::kCharacter:
      break;
  }
  std::vector<std::string> out = characters_of(text);
  std::erase_if(out, is_space);
  return out;
}

std::vector<std::string> content_units(std::string_view text, bool syllables) {
  std::string cleaned;
  for (const std::string& c : characters_of(lowercase(normalize_unicode(text, NormalForm::kNfc)))) {
    const Utf8Char character = read_utf8(c, 0);
    const bool content = character.valid && is_word_character(character.code) && c != "_";
    cleaned += content ? c : " ";
  }
  std::vector<std::string> words = split_white_space(cleaned);
  return syllables ? part_syllables(words) : words;
}

NgramCounts count_ngrams(std::span<const std::string> units, size_t order) {
  NgramCounts counts;
  for (size_t i = 0; i + order <= units.size(); ++i) {
    ++counts[std::vector<std::string>(units.begin() + static_cast<std::ptrdiff_t>(i),
                                      units.begin() + static_cast<std::ptrdiff_t>(i + order))];
  }
  return counts;
}

int64_t count_matches(const NgramCounts& a, const NgramCounts& b) {
  int64_t matches = 0;
  for (const auto& [ngram, count] : a) {
    const auto found = b.find(ngram);
    if (found != b.end()) matches += std::min(count, found->second);
  }
  return matches;
}

}  // namespace onmal

#include "words/word_splitter.h"

#include <algorithm>

#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// ASCII and composed syllables are NFC already: most of a Korean or English text.
bool surely_composed(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const Utf8Char c = read_utf8(text, i);
    if (!c.valid || !is_hangul_syllable(c.code)) return false;
    i += c.length;
  }
  return true;
}

bool is_ascii_word(uint32_t code) {
  return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') ||
         (code >= 'A' && code <= 'Z');
}

bool belongs_to_word(const Utf8Char& c, WordSplit split) {
  if (!c.valid) return true;  // bytes of unknown meaning stay with their neighbours
  if (split == WordSplit::kWhiteSpace)
    return c.code < 0x80 ? c.code > 0x20 : !is_white_space(c.code);
  if (c.code < 0x80) return is_ascii_word(c.code);
  if (is_hangul_syllable(c.code)) return true;
  return is_word_character(c.code) && !is_punctuation(c.code);
}

}  // namespace

std::string canonical_word(std::string_view word, bool lower) {
  std::string out =
      surely_composed(word) ? std::string(word) : normalize_unicode(word, NormalForm::kNfc);
  return lower ? lowercase(out) : out;
}

void split_words(std::string_view text, const WordRules& rules,
                 FunctionRef<void(std::string_view word)> take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line = canonical_word(text.substr(0, end), rules.lowercase);
    size_t begin = 0;
    for (size_t i = 0; i < line.size();) {
      const Utf8Char c = read_utf8(line, i);
      if (!belongs_to_word(c, rules.split)) {
        if (i > begin) take(std::string_view(line).substr(begin, i - begin));
        begin = i + c.length;
      }
      i += c.length;
    }
    if (begin < line.size()) take(std::string_view(line).substr(begin));
    take({});
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

}  // namespace onmal

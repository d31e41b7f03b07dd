#include "corpus/dedup/normal_text.h"

#include "text/utf8_runs.h"

namespace onmal {
namespace {

bool within(uint32_t code, uint32_t first, uint32_t last) { return code >= first && code <= last; }

bool is_boundary(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

}  // namespace

bool is_normal_character(uint32_t code, NormalForm form) {
  if (code < 0x80 || within(code, 0xAC00, 0xD7A3) || within(code, 0x4E00, 0x9FA5) ||
      within(code, 0x2018, 0x201D) || within(code, 0x3001, 0x3002) || within(code, 0x3008, 0x3011))
    return true;
  return form == NormalForm::kNfc &&
         (within(code, 0x80, 0x2FF) || within(code, 0x2010, 0x2027) ||
          within(code, 0x2030, 0x205E) || within(code, 0x2460, 0x24FF) ||
          within(code, 0x25A0, 0x2604) || code == 0x3000 || within(code, 0x3131, 0x318E) ||
          within(code, 0xFF01, 0xFF5E));
}

std::string_view normalize_by_words(std::string_view text, NormalForm form, std::string& buffer) {
  buffer.clear();
  size_t taken = 0;
  for (size_t i = 0; i < text.size();) {
    i = skip_ascii_and_hangul(text, i);
    if (i == text.size()) break;
    const Utf8Char c = read_character(text, i);
    if (c.valid && is_normal_character(c.code, form)) {
      i += c.length;
      continue;
    }
    size_t word = i;
    while (word > taken && !is_boundary(text[word - 1])) --word;
    while (i < text.size() && !is_boundary(text[i])) ++i;
    buffer.append(text, taken, word - taken);
    buffer += normalize_unicode(text.substr(word, i - word), form);
    taken = i;
  }
  if (taken == 0) return text;
  buffer.append(text, taken);
  return buffer;
}

}  // namespace onmal

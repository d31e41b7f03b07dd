#include "text/fold/conjoining_jamo.h"

#include "text/fold/jamo.h"
#include "text/utf8.h"

namespace onmal {

uint32_t code_at(std::string_view text, size_t at) {
  if (at >= text.size()) return 0;
  const Utf8Char c = read_utf8(text, at);
  return c.valid ? c.code : 0;
}

ComposedSyllable compose_conjoining(std::string_view text, size_t at) {
  const uint32_t initial = code_at(text, at);
  const uint32_t vowel = code_at(text, at + kConjoiningJamoBytes);
  if (!is_conjoining_initial(initial) || !is_conjoining_vowel(vowel)) return {};
  Syllable parts{static_cast<int>(initial - 0x1100), static_cast<int>(vowel - 0x1161), 0};
  size_t length = 2 * kConjoiningJamoBytes;
  const uint32_t last = code_at(text, at + length);
  if (is_conjoining_final(last)) {
    parts.final_part = static_cast<int>(last - 0x11A7);
    length += kConjoiningJamoBytes;
  }
  return {make_syllable(parts), length};
}

}  // namespace onmal

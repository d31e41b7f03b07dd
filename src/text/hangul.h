#pragma once

#include <cstdint>
#include <string_view>

#include "text/utf8.h"

namespace onmal {

// A composed syllable, U+AC00 to U+D7A3.
inline bool is_hangul_syllable(uint32_t code) { return code >= 0xAC00 && code <= 0xD7A3; }

// Syllables and jamo of any block.
inline bool is_hangul(uint32_t code) {
  return is_hangul_syllable(code) || (code >= 0x1100 && code <= 0x11FF) ||
         (code >= 0x3131 && code <= 0x318E) || (code >= 0xA960 && code <= 0xA97C) ||
         (code >= 0xD7B0 && code <= 0xD7FB) || (code >= 0xFFA0 && code <= 0xFFDC);
}

inline size_t count_hangul_syllables(std::string_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    count += c.valid && is_hangul_syllable(c.code) ? 1 : 0;
    i += c.length;
  }
  return count;
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {

// read_utf8, quick for ASCII and most characters of three bytes.
inline Utf8Char read_character(std::string_view text, size_t position) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[position + i]); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  // Leads behind which any continuation is a character.
  if (lead >= 0xE1 && lead <= 0xEC && position + 3 <= text.size()) {
    const uint32_t second = byte(1) ^ 0x80U;
    const uint32_t third = byte(2) ^ 0x80U;
    if ((second | third) < 0x40) return {(lead & 0xF) << 12 | second << 6 | third, 3, true};
  }
  return read_utf8(text, position);
}

// What normalize_unicode gives, but only words with characters that could change go through it.
// The text itself where there is none, else a view of `buffer`. `form` is NFC or NFKC.
std::string_view normalize_by_words(std::string_view text, NormalForm form, std::string& buffer);

}  // namespace onmal

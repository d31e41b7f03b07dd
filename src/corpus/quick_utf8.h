#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "text/utf8.h"

namespace onmal {

// read_utf8, quick for ASCII and most characters of three bytes.
inline Utf8Char read_character(std::string_view text, size_t position) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[position + i]); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  // Leads behind which any continuation is a character, and the last of Hangul.
  if (lead >= 0xE1 && lead <= 0xED && position + 3 <= text.size()) {
    const uint32_t second = byte(1) ^ 0x80U;
    const uint32_t third = byte(2) ^ 0x80U;
    const uint32_t most = lead == 0xED ? 0x20 : 0x40;
    if (second < most && third < 0x40) return {(lead & 0xF) << 12 | second << 6 | third, 3, true};
  }
  return read_utf8(text, position);
}

// Behind the bytes of ASCII that follow `position`.
inline size_t skip_ascii(std::string_view text, size_t position) {
  for (; position + 8 <= text.size(); position += 8) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + position, 8);
    if ((bytes & 0x8080808080808080ULL) != 0) break;
  }
  while (position < text.size() && static_cast<uint8_t>(text[position]) < 0x80) ++position;
  return position;
}

// Behind the Hangul syllables of three bytes that follow `position`, but for those of the first
// lead byte's lower half that are none.
inline size_t skip_hangul(std::string_view text, size_t position) {
  for (; position + 3 <= text.size(); position += 3) {
    const auto lead = static_cast<uint8_t>(text[position]);
    const auto second = static_cast<uint8_t>(text[position + 1]);
    const auto third = static_cast<uint8_t>(text[position + 2]);
    const bool whole = lead == 0xEB || lead == 0xEC;
    const bool edge = (lead == 0xEA && second >= 0xB0) || (lead == 0xED && second < 0x9E);
    if (!(whole || edge) || (second & 0xC0) != 0x80 || (third & 0xC0) != 0x80) break;
  }
  return position;
}

}  // namespace onmal

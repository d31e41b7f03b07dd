#pragma once

#include <cstdint>
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

}  // namespace onmal

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "text/byte_block.h"

namespace onmal {

// A three-byte Hangul syllable at `position`; false for those behind U+D77F and for what is cut.
inline bool is_hangul_at(std::string_view text, size_t position) {
  if (position + 3 > text.size()) return false;
  const auto lead = static_cast<uint8_t>(text[position]);
  const auto second = static_cast<uint8_t>(text[position + 1]);
  const auto third = static_cast<uint8_t>(text[position + 2]);
  const bool whole = lead == 0xEB || lead == 0xEC;
  const bool edge = (lead == 0xEA && second >= 0xB0) || (lead == 0xED && second < 0x9E);
  return (whole || edge) && (second & 0xC0) == 0x80 && (third & 0xC0) == 0x80;
}

// Not 0 where the block at `bytes` is not ASCII and Hangul syllables as is_hangul_at knows them,
// the last one perhaps cut. The two bytes before it are read, too.
inline ByteBlock not_ascii_or_hangul(const char* bytes) {
  const ByteBlock block = load_block(bytes);
  const ByteBlock back = load_block(bytes - 1);
  const ByteBlock lead = block - 0xEA <= 3;
  const ByteBlock tail = (block & 0xC0) == 0x80;
  const ByteBlock behind_lead = (back - 0xEA <= 3) | (load_block(bytes - 2) - 0xEA <= 3);
  const ByteBlock edge = ((back == 0xEA) & (block < 0xB0)) | ((back == 0xED) & (block >= 0x9E));
  return (tail ^ behind_lead) | ((block >= 0xC0) & ~lead) | edge;
}

// `end`, or the place of the Hangul syllable that it cuts; a character begins at `begin`.
inline size_t without_cut_hangul(std::string_view text, size_t begin, size_t end) {
  const auto is_lead = [&](size_t at) { return static_cast<uint8_t>(text[at]) - 0xEAU <= 3U; };
  if (end > begin && is_lead(end - 1)) return end - 1;
  if (end > begin + 1 && is_lead(end - 2)) return end - 2;
  return end;
}

// The bytes that Hangul syllables of a block begin with, where it holds no others beyond ASCII.
inline ByteBlock hangul_leads(const ByteBlock& block) { return block - 0xEA <= 3; }

// Behind the ASCII and the Hangul syllables (but for U+D780 and above) that follow `position`.
inline size_t skip_ascii_and_hangul(std::string_view text, size_t position) {
  const auto skip_to = [&](size_t end) {
    while (position < end) {
      if (static_cast<uint8_t>(text[position]) < 0x80)
        ++position;
      else if (is_hangul_at(text, position))
        position += 3;
      else
        return false;
    }
    return true;
  };
  const size_t begin = position;
  if (text.size() - begin >= kBlockBytes + 4) {
    if (!skip_to(begin + 2)) return position;
    while (position + kBlockBytes <= text.size() &&
           !any_of(not_ascii_or_hangul(text.data() + position)))
      position += kBlockBytes;
    position = without_cut_hangul(text, begin, position);
  }
  skip_to(text.size());
  return position;
}

}  // namespace onmal

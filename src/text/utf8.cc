#include "text/utf8.h"

#include <algorithm>
#include <cstring>

#include "text/utf8_runs.h"

namespace onmal {
namespace {

// Length that a lead byte announces; 0 for bytes that cannot lead.
uint32_t announced_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// The second byte's range depends on the lead: this is where overlong forms and surrogates are
// refused.
bool second_fits(uint8_t lead, uint8_t second) {
  const uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high;
}

uint8_t byte_at(std::string_view text, size_t position) {
  return static_cast<uint8_t>(text[position]);
}

}  // namespace

Utf8Char read_utf8(std::string_view text, size_t position) {
  const uint8_t lead = byte_at(text, position);
  const uint32_t length = announced_length(lead);
  if (length == 1) return {lead, 1, true};
  const Utf8Char bad{lead, 1, false};
  if (length == 0 || position + length > text.size() ||
      !second_fits(lead, byte_at(text, position + 1)))
    return bad;
  uint32_t code = lead & (0xFFU >> (length + 1));
  for (uint32_t i = 1; i < length; ++i) {
    const uint8_t next = byte_at(text, position + i);
    if ((next & 0xC0) != 0x80) return bad;
    code = (code << 6) | (next & 0x3FU);
  }
  return {code, length, true};
}

void append_utf8(uint32_t code, std::string& out) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

size_t find_invalid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    i = skip_ascii_and_hangul(text, i);
    if (i == text.size()) break;
    const Utf8Char c = read_utf8(text, i);
    if (!c.valid) return i;
    i += c.length;
  }
  return std::string_view::npos;
}

size_t count_characters(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL;
  size_t tails = 0;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, text.data() + i, 8);
    tails += (((eight >> 7) & ~(eight >> 6) & kOnes) * kOnes) >> 56;
  }
  for (; i < text.size(); ++i) tails += (byte_at(text, i) & 0xC0) == 0x80 ? 1 : 0;
  return text.size() - tails;
}

size_t incomplete_tail(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const size_t position = text.size() - back;
    const uint8_t byte = byte_at(text, position);
    if ((byte & 0xC0) == 0x80) continue;
    if (announced_length(byte) <= back) return 0;
    return back == 1 || second_fits(byte, byte_at(text, position + 1)) ? back : 0;
  }
  return 0;
}

}  // namespace onmal

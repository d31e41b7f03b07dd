#include "corpus/dedup/fingerprint.h"

#include <bit>
#include <cstring>

#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// Any fixed key will do: fingerprints are not kept between versions.
constexpr uint64_t kKeyLow = 0x6F6E6D616C2D6465ULL;
constexpr uint64_t kKeyHigh = 0x6475702D6B657931ULL;

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  uint64_t finish() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

uint64_t little_endian(const char* bytes, size_t count) {
  uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, bytes, count);
  } else {
    for (size_t i = 0; i < count; ++i) word |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  return word;
}

bool is_space(uint32_t code) {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  return is_white_space(code);
}

}  // namespace

Fingerprint siphash128(std::string_view bytes, uint64_t key_low, uint64_t key_high) {
  SipState state{key_low ^ 0x736F6D6570736575ULL, key_high ^ 0x646F72616E646F6DULL ^ 0xEE,
                 key_low ^ 0x6C7967656E657261ULL, key_high ^ 0x7465646279746573ULL};
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) state.absorb(little_endian(bytes.data() + i, 8));
  state.absorb(little_endian(bytes.data() + i, bytes.size() - i) | uint64_t{bytes.size()} << 56);
  state.v2 ^= 0xEE;
  const uint64_t low = state.finish();
  state.v1 ^= 0xDD;
  return {state.finish(), low};
}

bool is_plainly_normal(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (static_cast<uint8_t>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const Utf8Char c = read_utf8(text, i);
    const bool plain =
        (c.code >= 0xAC00 && c.code <= 0xD7A3) || (c.code >= 0x4E00 && c.code <= 0x9FA5) ||
        (c.code >= 0x2018 && c.code <= 0x201D) || (c.code >= 0x3001 && c.code <= 0x3002) ||
        (c.code >= 0x3008 && c.code <= 0x3011);
    if (!c.valid || !plain) return false;
    i += c.length;
  }
  return true;
}

std::string normalize_for_equality(std::string_view text) {
  std::string composed;
  if (!is_plainly_normal(text)) {
    composed = normalize_unicode(text, NormalForm::kNfc);
    text = composed;
  }
  std::string result;
  result.reserve(text.size());
  bool gap = false;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    if (c.valid && is_space(c.code)) {
      gap = !result.empty();
    } else {
      if (gap) result.push_back(' ');
      gap = false;
      result.append(text, i, c.length);
    }
    i += c.length;
  }
  return result;
}

Fingerprint fingerprint_normalized(std::string_view text) {
  return siphash128(text, kKeyLow, kKeyHigh);
}

Fingerprint fingerprint_text(std::string_view text) {
  return fingerprint_normalized(normalize_for_equality(text));
}

}  // namespace onmal

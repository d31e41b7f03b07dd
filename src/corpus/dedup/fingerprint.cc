#include "corpus/dedup/fingerprint.h"

#include <bit>
#include <cstring>

#include "corpus/dedup/normal_text.h"

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

bool is_any_space(uint32_t code) {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  return code <= 0x3000 && is_white_space(code);  // U+3000 is the last
}

std::string_view trim_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Whether no other white space is in a text than single spaces within.
bool has_single_spaces(std::string_view text) {
  bool after_space = true;
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) {
      if (byte <= ' ' && (after_space || byte != ' ') && is_any_space(byte)) return false;
      after_space = byte == ' ';
      ++i;
      continue;
    }
    after_space = false;
    i = skip_hangul(text, i);
    if (i == text.size() || static_cast<uint8_t>(text[i]) < 0x80) continue;
    const Utf8Char c = read_character(text, i);
    if (c.valid && is_any_space(c.code)) return false;
    i += c.length;
  }
  return true;
}

// Whether a text is ASCII and Hangul syllables with single spaces within, and so normal already.
bool is_plain_line(std::string_view text) {
  bool after_space = true;
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte > ' ' && byte < 0x80) {
      after_space = false;
      ++i;
    } else if (byte == ' ' && !after_space) {
      after_space = true;
      ++i;
    } else {
      const size_t behind = skip_hangul(text, i);
      if (behind == i) return false;
      after_space = false;
      i = behind;
    }
  }
  return !after_space;
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

std::string normalize_for_equality(std::string_view text) {
  std::string buffer;
  return std::string(normalize_for_equality(text, buffer));
}

std::string_view normalize_for_equality(std::string_view text, std::string& buffer) {
  if (is_plain_line(text)) return text;
  std::string composed;
  text = trim_spaces(normalize_by_words(text, NormalForm::kNfc, composed));
  if (composed.empty() && has_single_spaces(text)) return text;
  buffer.clear();
  buffer.reserve(text.size());
  size_t word = 0;
  const auto end_word = [&](size_t end) {
    if (end == word) return;
    if (!buffer.empty()) buffer.push_back(' ');
    buffer.append(text, word, end - word);
  };
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte > ' ' && byte < 0x80) {
      ++i;
      continue;
    }
    if (byte >= 0xEA) i = skip_hangul(text, i);
    if (i == text.size()) break;
    const Utf8Char c = read_character(text, i);
    if (c.valid && is_any_space(c.code)) {
      end_word(i);
      word = i + c.length;
    }
    i += c.length;
  }
  end_word(text.size());
  return buffer;
}

Fingerprint fingerprint_normalized(std::string_view text) {
  return siphash128(text, kKeyLow, kKeyHigh);
}

Fingerprint fingerprint_text(std::string_view text) {
  std::string buffer;
  return fingerprint_normalized(normalize_for_equality(text, buffer));
}

}  // namespace onmal

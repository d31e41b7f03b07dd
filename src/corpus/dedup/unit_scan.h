#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/rng.h"
#include "corpus/dedup/mix.h"
#include "corpus/dedup/normal_text.h"
#include "corpus/dedup/units.h"
#include "corpus/quick_utf8.h"
#include "text/utf8_runs.h"

namespace onmal {

enum class UnitKind : uint8_t { kNone, kCharacter, kWord };
// Of a character beyond ASCII that is no Hangul syllable.
UnitKind wide_unit_kind(uint32_t code);

// The lower case of ASCII letters and digits, 0 for what ends a word.
constexpr std::array<uint8_t, 128> word_bytes() {
  std::array<uint8_t, 128> bytes = {};
  for (size_t i = '0'; i <= '9'; ++i) bytes[i] = static_cast<uint8_t>(i);
  for (size_t i = 'a'; i <= 'z'; ++i) bytes[i] = bytes[i - 0x20] = static_cast<uint8_t>(i);
  return bytes;
}
inline constexpr std::array<uint8_t, 128> kWordBytes = word_bytes();

// for_each_unit, with `take(hash, is_word)` compiled into the loop.
template <typename Take>
void scan_units(std::string_view text, const Take& take) {
  std::string buffer;
  text = normalize_by_words(text, NormalForm::kNfkc, buffer);
  constexpr uint64_t kNoWord = 0;
  uint64_t word = kNoWord;
  const auto go_on = [&](uint64_t code) {
    word = ((word ^ code) + 1) * 0x9E6C63D0876A9A67ULL;
    word = (word ^ (word >> 29)) | (uint64_t{1} << 63);
  };
  const auto end_word = [&] {
    if (word != kNoWord) take(mix_bits(word), true);
    word = kNoWord;
  };
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) {
      const uint8_t lower = kWordBytes[byte];
      if (lower != 0)
        go_on(lower);
      else
        end_word();
      ++i;
      continue;
    }
    if (is_hangul_at(text, i)) {
      end_word();
      do {
        const auto bits = [&](size_t k) { return static_cast<uint8_t>(text[i + k]) & 0x3FU; };
        take(mix_bits(0xA000U + ((bits(0) - 0x2AU) << 12) + (bits(1) << 6) + bits(2)), false);
        i += 3;
      } while (i < text.size() && is_hangul_at(text, i));
      continue;
    }
    const Utf8Char c = read_character(text, i);
    i += c.length;
    const UnitKind kind = c.valid ? wide_unit_kind(c.code) : UnitKind::kNone;
    if (kind == UnitKind::kWord) {
      go_on(simple_lowercase(c.code));
      continue;
    }
    end_word();
    if (kind == UnitKind::kCharacter) take(mix_bits(c.code), false);
  }
  end_word();
}

// Polynomials over units modulo the prime 2^61 - 1.
class UnitPolynomial {
 public:
  static constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;
  static constexpr uint64_t kBase = 0x0B4C8D3A61F72E95ULL;  // below the prime, else arbitrary
  static constexpr uint32_t kMostLength = 256;              // of a window in units

  static constexpr uint64_t times(uint64_t a, uint64_t b) {
    const Uint128 product = static_cast<Uint128>(a) * b;
    const uint64_t sum =
        (static_cast<uint64_t>(product) & kPrime) + static_cast<uint64_t>(product >> 61);
    return sum >= kPrime ? sum - kPrime : sum;
  }
  static constexpr uint64_t plus(uint64_t a, uint64_t b) {
    return a + b >= kPrime ? a + b - kPrime : a + b;
  }
  static constexpr uint64_t behind(uint64_t polynomial, uint64_t unit_hash) {
    return plus(times(polynomial, kBase), unit_hash >> 3);
  }
  // kBase to the powers 0 to kMostLength.
  static constexpr std::array<uint64_t, kMostLength + 1> powers() {
    std::array<uint64_t, kMostLength + 1> powers = {1};
    for (size_t i = 1; i < powers.size(); ++i) powers[i] = times(powers[i - 1], kBase);
    return powers;
  }
};
inline constexpr std::array<uint64_t, UnitPolynomial::kMostLength + 1> kUnitPowers =
    UnitPolynomial::powers();

}  // namespace onmal

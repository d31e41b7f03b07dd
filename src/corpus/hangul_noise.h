#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace onmal {

// Mistakes that people make when they write Korean.
enum class Mistake : uint8_t {
  kNeighbourKey,  // a key beside the right one
  kMissingKey,
  kDoubledKey,
  kSwappedKeys,
  kShift,         // ㅅ for ㅆ, ㅔ for ㅖ, and back
  kVowel,         // ㅐ for ㅔ and back, ㅚ ㅙ ㅞ
  kConfusedForm,  // 되/돼, 않/안, 에/의, 로서/로써, 할게/할께, 며칠/몇일 …
  kSound,         // as spoken: 먹어 → 머거, 좋아 → 조아
  kMissingSpace,
  kExtraSpace,
  kLatinLetters,  // typed with the wrong input language: 안녕 → dkssud
};
inline constexpr size_t kMistakeKinds = 11;
std::string_view mistake_name(Mistake mistake);

struct NoiseOptions {
  double rate = 0.15;  // of words that get a mistake, about
};

// Bytes [clean_begin, clean_end) of the clean text became [noisy_begin, noisy_end).
struct NoiseChange {
  Mistake mistake;
  size_t clean_begin, clean_end;
  size_t noisy_begin, noisy_end;
};

struct NoisyText {
  std::string text;
  std::vector<NoiseChange> changes;  // by place; what lies between them is equal
};

// The text with mistakes in some of its words with Hangul (NFC). The same rng state gives the same
// mistakes. A kind that a word offers no place for is drawn again a few times; so fewer words than
// asked may change.
NoisyText add_noise(std::string_view clean, const NoiseOptions& options, Rng& rng);

}  // namespace onmal

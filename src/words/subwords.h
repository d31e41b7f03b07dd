#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/function_ref.h"

namespace onmal {

// The parts of words that have vectors of their own, so that rare and unknown words get one
// (Bojanowski et al., 2017; with jamo: Park et al., 2018). A most of 0: none of that kind.
struct SubwordOptions {
  int char_least = 3;  // characters, the borders < and > counted
  int char_most = 6;
  int jamo_least = 3;  // jamo of words with Hangul: three places a syllable, an empty final too
  int jamo_most = 5;
  int64_t buckets = 2'000'000;  // parts are hashed (FNV-1a) to numbers below

  bool any() const { return char_most > 0 || jamo_most > 0; }
};

// Throws Error(kInvalidArgument) for lengths or buckets out of range.
void check_subwords(const SubwordOptions& options);

// Calls take(bucket) for each part of `word` (NFC): its character n-grams, then its jamo n-grams.
void for_each_subword(std::string_view word, const SubwordOptions& options,
                      FunctionRef<void(int64_t bucket)> take);

// The jamo of a word's syllables in order, in UTF-8, with U+11A7 where a syllable has no final
// consonant, so that every syllable is three jamo and its borders can be told; other characters
// stay.
std::string decompose_syllables(std::string_view word);

}  // namespace onmal

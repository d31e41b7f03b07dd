#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// Which n-grams of a text count. Each kind is hashed by a salt of its own.
struct NgramConfig {
  int32_t characters = 5;  // stretches of 1 to so many characters; 0: none
  int32_t jamo_least = 4;  // stretches of so many …
  int32_t jamo = 8;        // … to so many letters, syllables in parts; 0: none
  int32_t words = 2;       // 1: words, 2: pairs of neighbours as well; 0: none
  int32_t stems = 0;       // 1: words without particles and endings, 2: pairs as well
  int32_t lookalikes = 0;  // 1: letters that only look like others count as those
  int32_t bucket_bits = 20;

  // Throws Error(kInvalidArgument) for sizes that make no sense.
  void validate(const std::string& where) const;
  bool operator==(const NgramConfig&) const = default;
};

// Adds the buckets, of 2^bits, of all stretches of `least` to `most` codes.
void add_ngram_buckets(std::u32string_view codes, size_t least, size_t most, uint64_t salt,
                       int bits, std::vector<uint32_t>& out);

// With one space for each gap, one before and one behind, and not much more than `most` codes.
std::u32string with_single_spaces(std::u32string_view codes, size_t most);

// The buckets of a text's n-grams in rising order, each once: a text that says one thing a hundred
// times says one thing. The first 4,096 characters count.
std::vector<uint32_t> ngram_buckets(std::string_view text, const NgramConfig& config);

}  // namespace onmal

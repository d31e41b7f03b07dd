#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// What a text is cut into before n-grams are counted.
enum class TextUnits : uint8_t {
  kWhiteSpace,  // what stands between white space
  k13a,         // mteval-v13a's rules, sacreBLEU's default
  kCharacter,   // single characters but white space, sacreBLEU's "char"
  kSyllable,    // 13a, then every Hangul syllable by itself: Korean without a morpheme analyser
};

std::vector<std::string> cut_text(std::string_view text, TextUnits units);

// Runs of letters and digits in lower case, punctuation dropped; each Hangul syllable by itself
// when `syllables`. What ROUGE counts.
std::vector<std::string> content_units(std::string_view text, bool syllables);

std::vector<std::string> split_white_space(std::string_view text);
std::vector<std::string> characters_of(std::string_view text);
bool is_ascii_punctuation(std::string_view character);

// How often each stretch of `order` units occurs.
using NgramCounts = std::map<std::vector<std::string>, int64_t>;
NgramCounts count_ngrams(std::span<const std::string> units, size_t order);
// The size of the intersection as multisets.
int64_t count_matches(const NgramCounts& a, const NgramCounts& b);

}  // namespace onmal

#include "models/ngram_features.h"

#include <algorithm>

#include "base/error.h"
#include "text/fold/steps.h"
#include "text/hangul.h"
#include "text/korean_stem.h"

namespace onmal {
namespace {

constexpr size_t kMostCharacters = 4096;
enum Salt : uint64_t { kCharacterSalt = 1, kJamoSalt = 2, kWordSalt = 3, kStemSalt = 4 };

// Initial, vowel and final of each syllable one after the other, in the block of conjoining jamo.
std::u32string split_syllables(std::u32string_view codes) {
  std::u32string out;
  for (const char32_t code : codes) {
    if (!is_hangul_syllable(code)) {
      out += code;
      continue;
    }
    const char32_t index = code - 0xAC00;
    out += 0x1100 + index / 588;
    out += 0x1161 + index % 588 / 28;
    if (index % 28 > 0) out += 0x11A7 + index % 28;
  }
  return out;
}

bool is_sign(char32_t code) {
  return code < 0x80 && !(code >= '0' && code <= '9') && !(code >= 'a' && code <= 'z');
}

std::vector<std::u32string> words_of(const std::u32string& spaced) {
  std::vector<std::u32string> words;
  for (size_t begin = 1; begin < spaced.size();) {
    const size_t end = std::min(spaced.find(U' ', begin), spaced.size());
    size_t first = begin, last = end;
    while (first < last && is_sign(spaced[first])) ++first;
    while (last > first && is_sign(spaced[last - 1])) --last;
    if (last > first) words.push_back(spaced.substr(first, last - first));
    begin = end + 1;
  }
  return words;
}

std::u32string stem(const std::u32string& word) {
  const bool whole = std::all_of(word.begin(), word.end(), is_hangul_syllable);
  return whole ? stem_korean(word).predicate : word;
}

void add_word_buckets(const std::vector<std::u32string>& words, int32_t most, uint64_t salt,
                      int bits, std::vector<uint32_t>& out) {
  for (size_t i = 0; i < words.size(); ++i) {
    add_ngram_buckets(words[i], words[i].size(), words[i].size(), salt, bits, out);
    if (most < 2 || i + 1 >= words.size()) continue;
    const std::u32string pair = words[i] + U' ' + words[i + 1];
    add_ngram_buckets(pair, pair.size(), pair.size(), salt, bits, out);
  }
}

}  // namespace

void NgramConfig::validate(const std::string& where) const {
  const auto in = [](int32_t value, int32_t least, int32_t most) {
    return value >= least && value <= most;
  };
  const bool sound = in(characters, 0, 12) && in(jamo, 0, 24) && in(jamo_least, 1, 24) &&
                     in(words, 0, 2) && in(stems, 0, 2) && in(lookalikes, 0, 1) &&
                     in(bucket_bits, 8, 24) && characters + jamo + words + stems > 0;
  if (!sound)
    throw Error(ErrorCode::kInvalidArgument, where, "these n-grams make no sense",
                "up to 12 characters, 24 jamo, 2 words or stems, 2^8 to 2^24 buckets");
}

void add_ngram_buckets(std::u32string_view codes, size_t least, size_t most, uint64_t salt,
                       int bits, std::vector<uint32_t>& out) {
  const bool whole = least == codes.size() && most == codes.size();
  for (size_t i = 0; i < (whole ? std::min<size_t>(1, codes.size()) : codes.size()); ++i) {
    uint64_t hash = salt;
    for (size_t n = 1; n <= most && i + n <= codes.size(); ++n) {
      hash = (hash ^ codes[i + n - 1]) * 0x9E3779B97F4A7C15ULL;
      hash ^= hash >> 29;
      if (n < least) continue;
      out.push_back(static_cast<uint32_t>(hash * 0xD6E8FEB86659FD93ULL >> (64 - bits)));
    }
  }
}

std::u32string with_single_spaces(std::u32string_view codes, size_t most) {
  std::u32string out = U" ";
  for (const char32_t code : codes) {
    const bool gap = code == ' ' || code == '\n' || code == '\t';
    if (!gap || out.back() != ' ') out += gap ? U' ' : code;
    if (out.size() > most) break;
  }
  return out.back() == U' ' ? out : out + U" ";
}

std::vector<uint32_t> ngram_buckets(std::string_view text, const NgramConfig& config) {
  MappedText seen = fold_case(drop_invisible(fold_compatibility(MappedText(text))));
  if (config.lookalikes > 0) seen = compose_jamo(fold_lookalikes(seen));
  const std::u32string codes =
      with_single_spaces(squeeze_repeats(seen, 3).codes(), kMostCharacters);
  std::vector<uint32_t> buckets;
  const int bits = config.bucket_bits;
  if (config.characters > 0)
    add_ngram_buckets(codes, 1, static_cast<size_t>(config.characters), kCharacterSalt, bits,
                      buckets);
  if (config.jamo > 0)
    add_ngram_buckets(split_syllables(codes), static_cast<size_t>(config.jamo_least),
                      static_cast<size_t>(config.jamo), kJamoSalt, bits, buckets);
  if (config.words > 0 || config.stems > 0) {
    std::vector<std::u32string> words = words_of(codes);
    if (config.words > 0) add_word_buckets(words, config.words, kWordSalt, bits, buckets);
    for (std::u32string& word : words) word = stem(word);
    if (config.stems > 0) add_word_buckets(words, config.stems, kStemSalt, bits, buckets);
  }
  std::sort(buckets.begin(), buckets.end());
  buckets.erase(std::unique(buckets.begin(), buckets.end()), buckets.end());
  return buckets;
}

}  // namespace onmal

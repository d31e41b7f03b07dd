#include "words/subwords.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "text/hangul.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr uint32_t kFirstSyllable = 0xAC00;
constexpr uint32_t kVowels = 21;
constexpr uint32_t kFinals = 28;  // with none
constexpr int kLongestSubword = 32;

uint32_t fnv1a(std::string_view bytes) {
  uint32_t hash = 2166136261U;
  for (const char c : bytes) {
    // Sign-extended, as fastText does: its buckets are ours.
    hash ^= static_cast<uint32_t>(static_cast<int8_t>(c));
    hash *= 16777619U;
  }
  return hash;
}

std::vector<size_t> character_starts(std::string_view text) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); i += read_utf8(text, i).length) starts.push_back(i);
  starts.push_back(text.size());
  return starts;
}

struct Lengths {
  int least;
  int most;
};

template <typename Accept>
void for_each_ngram(std::string_view text, Lengths lengths, const Accept& accept, int64_t buckets,
                    FunctionRef<void(int64_t)> take) {
  const std::vector<size_t> starts = character_starts(text);
  const size_t characters = starts.size() - 1;
  for (size_t begin = 0; begin < characters; ++begin) {
    for (size_t count = 1; count <= static_cast<size_t>(lengths.most); ++count) {
      const size_t end = begin + count;
      if (end > characters) break;
      if (count < static_cast<size_t>(lengths.least)) continue;
      if (count == 1 && (begin == 0 || end == characters)) continue;  // a border alone
      const std::string_view ngram = text.substr(starts[begin], starts[end] - starts[begin]);
      if (accept(ngram)) take(static_cast<int64_t>(fnv1a(ngram)) % buckets);
    }
  }
}

bool holds_jamo(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    if (c.valid && is_hangul(c.code)) return true;
    i += c.length;
  }
  return false;
}

void check_lengths(int least, int most, const char* what) {
  if (most == 0) return;
  if (least < 1 || most < least || most > kLongestSubword) {
    throw Error(ErrorCode::kInvalidArgument, "word parts",
                std::string(what) + " n-grams of " + std::to_string(least) + " to " +
                    std::to_string(most) + " make no sense",
                "give lengths such as 3-6, at most 32, or 0 for none");
  }
}

}  // namespace

void check_subwords(const SubwordOptions& options) {
  check_lengths(options.char_least, options.char_most, "character");
  check_lengths(options.jamo_least, options.jamo_most, "jamo");
  constexpr int64_t kMostBuckets = int64_t{1} << 30;
  if (options.any() && (options.buckets < 1 || options.buckets > kMostBuckets)) {
    throw Error(ErrorCode::kInvalidArgument, "word parts",
                std::to_string(options.buckets) + " buckets", "give 1 to 1073741824");
  }
}

std::string decompose_syllables(std::string_view word) {
  std::string out;
  for (size_t i = 0; i < word.size();) {
    const Utf8Char c = read_utf8(word, i);
    if (c.valid && is_hangul_syllable(c.code)) {
      const uint32_t index = c.code - kFirstSyllable;
      append_utf8(0x1100 + index / (kVowels * kFinals), out);
      append_utf8(0x1161 + index / kFinals % kVowels, out);
      append_utf8(0x11A7 + index % kFinals, out);
    } else {
      out.append(word.substr(i, c.length));
    }
    i += c.length;
  }
  return out;
}

void for_each_subword(std::string_view word, const SubwordOptions& options,
                      FunctionRef<void(int64_t bucket)> take) {
  std::string bordered = "<";
  bordered += word;
  bordered += '>';
  if (options.char_most > 0) {
    for_each_ngram(
        bordered, {options.char_least, options.char_most}, [](std::string_view) { return true; },
        options.buckets, take);
  }
  if (options.jamo_most > 0 && holds_jamo(word)) {
    for_each_ngram(decompose_syllables(bordered), {options.jamo_least, options.jamo_most},
                   holds_jamo, options.buckets, take);
  }
}

}  // namespace onmal

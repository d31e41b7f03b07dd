#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "words/subwords.h"

namespace onmal {

// Vectors of parts of words. Only parts that a training word had are kept.
struct SubwordVectors {
  SubwordOptions options{.char_most = 0, .jamo_most = 0};
  std::vector<int32_t> buckets;  // strictly rising
  std::vector<float> values;     // [buckets, dim]
};

// Words, most frequent first, and their vectors. A value.
class WordVectors {
 public:
  WordVectors() = default;
  // values: [words, dim]; counts: one a word, or none. Of words equal in NFC the first counts.
  // Throws Error(kInvalidArgument) when sizes do not fit.
  WordVectors(int64_t dim, std::vector<std::string> words, std::vector<float> values,
              std::vector<int64_t> counts = {}, SubwordVectors subwords = {},
              bool lowercase = false);

  int64_t dim() const { return dim_; }
  int64_t size() const { return static_cast<int64_t>(words_.size()); }
  const std::string& word(int64_t number) const { return words_[static_cast<size_t>(number)]; }
  const std::vector<std::string>& words() const { return words_; }
  const std::vector<int64_t>& counts() const { return counts_; }
  const std::vector<float>& values() const { return values_; }
  const float* row(int64_t number) const { return values_.data() + number * dim_; }
  const SubwordVectors& subwords() const { return subwords_; }
  bool lowercase() const { return lowercase_; }

  // Any normal form finds the word.
  std::optional<int32_t> find(std::string_view word) const;
  // The word's vector; of an unknown word, the mean of its known parts. Throws
  // Error(kInvalidArgument) naming the nearest spellings where there is neither.
  std::vector<float> vector(std::string_view word) const;
  // Known words whose jamo and letters differ in the fewest places (at most a third of them).
  std::vector<std::string> similar_spellings(std::string_view word, size_t most = 3) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  int64_t dim_ = 0;
  std::vector<std::string> words_;
  std::vector<float> values_;
  std::vector<int64_t> counts_;
  SubwordVectors subwords_;
  bool lowercase_ = false;
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> numbers_;
};

}  // namespace onmal

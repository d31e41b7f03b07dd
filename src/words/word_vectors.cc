#include "words/word_vectors.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "words/word_splitter.h"

namespace onmal {
namespace {

std::vector<uint32_t> letters(std::string_view word) {
  const std::string jamo = decompose_syllables(word);
  std::vector<uint32_t> codes;
  for (size_t i = 0; i < jamo.size();) {
    const Utf8Char c = read_utf8(jamo, i);
    constexpr uint32_t kNoFinal = 0x11A7;
    if (c.code != kNoFinal) codes.push_back(c.code);
    i += c.length;
  }
  return codes;
}

// Insertions, deletions and replacements that make b of a; `most` + 1 when more are needed.
int edit_distance(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b, int most) {
  const auto difference = std::abs(static_cast<int64_t>(a.size()) - static_cast<int64_t>(b.size()));
  if (difference > most) return most + 1;
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    int least = row[0];
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      least = std::min(least, row[j]);
    }
    if (least > most) return most + 1;
  }
  return row[b.size()];
}

}  // namespace

WordVectors::WordVectors(int64_t dim, std::vector<std::string> words, std::vector<float> values,
                         std::vector<int64_t> counts, SubwordVectors subwords, bool lowercase)
    : dim_(dim),
      words_(std::move(words)),
      values_(std::move(values)),
      counts_(std::move(counts)),
      subwords_(std::move(subwords)),
      lowercase_(lowercase) {
  const bool fits =
      dim_ > 0 && values_.size() == words_.size() * static_cast<size_t>(dim_) &&
      (counts_.empty() || counts_.size() == words_.size()) &&
      subwords_.values.size() == subwords_.buckets.size() * static_cast<size_t>(dim_) &&
      words_.size() <= static_cast<size_t>(std::numeric_limits<int32_t>::max());
  if (!fits)
    throw Error(ErrorCode::kInvalidArgument, "word vectors", "sizes of words and values differ");
  numbers_.reserve(words_.size());
  for (size_t i = 0; i < words_.size(); ++i)
    numbers_.emplace(canonical_word(words_[i], false), static_cast<int32_t>(i));
}

std::optional<int32_t> WordVectors::find(std::string_view word) const {
  const auto found = numbers_.find(canonical_word(word, lowercase_));
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

std::vector<float> WordVectors::vector(std::string_view word) const {
  if (const std::optional<int32_t> number = find(word)) return {row(*number), row(*number + 1)};
  std::vector<float> sum(static_cast<size_t>(dim_));
  int64_t parts = 0;
  if (subwords_.options.any()) {
    for_each_subword(canonical_word(word, lowercase_), subwords_.options, [&](int64_t bucket) {
      const auto found = std::lower_bound(subwords_.buckets.begin(), subwords_.buckets.end(),
                                          static_cast<int32_t>(bucket));
      if (found == subwords_.buckets.end() || *found != bucket) return;
      const float* part = subwords_.values.data() + (found - subwords_.buckets.begin()) * dim_;
      for (int64_t i = 0; i < dim_; ++i) sum[static_cast<size_t>(i)] += part[i];
      ++parts;
    });
  }
  if (parts == 0) {
    std::string hint = "give a word of the model";
    const std::vector<std::string> near = similar_spellings(word);
    if (!near.empty()) {
      hint = "did you mean";
      for (const std::string& other : near) hint += " '" + other + "'";
      hint += "?";
    }
    throw Error(ErrorCode::kInvalidArgument, "'" + std::string(word) + "'",
                "not a word of this model", hint);
  }
  for (float& value : sum) value /= static_cast<float>(parts);
  return sum;
}

std::vector<std::string> WordVectors::similar_spellings(std::string_view word, size_t most) const {
  constexpr size_t kLongest = 64;  // letters compared; nobody misspells more
  std::vector<uint32_t> wanted = letters(onmal::lowercase(canonical_word(word, false)));
  if (wanted.empty() || wanted.size() > kLongest) return {};
  const int allowed = std::max(1, static_cast<int>(wanted.size()) / 3);
  std::vector<std::pair<int, size_t>> near;
  for (size_t i = 0; i < words_.size(); ++i) {
    if (words_[i].size() > 4 * kLongest) continue;
    const int distance = edit_distance(wanted, letters(onmal::lowercase(words_[i])), allowed);
    if (distance <= allowed) near.emplace_back(distance, i);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (size_t i = 0; i < std::min(most, near.size()); ++i) out.push_back(words_[near[i].second]);
  return out;
}

}  // namespace onmal

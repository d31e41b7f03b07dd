#include "answer/extract.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr double kDamping = 0.85;
constexpr double kTolerance = 1e-9;
constexpr int kMostSteps = 200;
constexpr double kTooAlike = 0.6;  // cosine with a sentence that was chosen

// Words in lower case; pairs of neighbouring syllables of Hangul, or the one syllable of a word.
std::vector<std::string> units_of(std::string_view sentence) {
  std::vector<std::string> units;
  std::string word;
  std::vector<std::string> syllables;
  const auto finish = [&] {
    if (!word.empty()) units.push_back(std::move(word));
    word.clear();
    if (syllables.size() == 1) units.push_back(syllables[0]);
    for (size_t i = 0; i + 1 < syllables.size(); ++i)
      units.push_back(syllables[i] + syllables[i + 1]);
    syllables.clear();
  };
  for (size_t i = 0; i < sentence.size();) {
    const Utf8Char c = read_utf8(sentence, i);
    if (is_hangul_syllable(c.code)) {
      if (!word.empty()) finish();
      syllables.emplace_back(sentence.substr(i, c.length));
    } else if (c.valid && is_word_character(c.code)) {
      if (!syllables.empty()) finish();
      append_utf8(simple_lowercase(c.code), word);
    } else {
      finish();
    }
    i += c.length;
  }
  finish();
  return units;
}

// A sparse vector of length 1 by unit number, in order; empty for a sentence without units.
using Vector = std::vector<std::pair<size_t, double>>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].first == b[j].first) {
      sum += a[i++].second * b[j++].second;
    } else if (a[i].first < b[j].first) {
      ++i;
    } else {
      ++j;
    }
  }
  return sum;
}

void normalize(Vector& vector) {
  const double length = std::sqrt(dot(vector, vector));
  if (length <= 0) return;
  for (auto& [unit, weight] : vector) weight /= length;
}

std::vector<Vector> weigh(std::string_view text, const std::vector<TextSpan>& sentences) {
  std::map<std::string, size_t> numbers;
  std::vector<double> in_sentences;
  std::vector<std::map<size_t, double>> counts(sentences.size());
  for (size_t i = 0; i < sentences.size(); ++i) {
    for (std::string& unit : units_of(sentences[i].in(text))) {
      const auto [entry, fresh] = numbers.emplace(std::move(unit), numbers.size());
      if (fresh) in_sentences.push_back(0);
      counts[i][entry->second] += 1;
    }
    for (const auto& [unit, count] : counts[i]) in_sentences[unit] += 1;
  }
  std::vector<Vector> vectors;
  for (const auto& sentence : counts) {
    Vector vector;
    for (const auto& [unit, count] : sentence) {
      const double rarity =
          std::log(1.0 + static_cast<double>(sentences.size()) / in_sentences[unit]);
      vector.emplace_back(unit, count * rarity);
    }
    normalize(vector);
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

std::vector<double> rank_by_walk(const std::vector<Vector>& vectors) {
  const size_t n = vectors.size();
  std::vector<double> likeness(n * n, 0.0);
  std::vector<double> sums(n, 0.0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      if (i == j) continue;
      likeness[i * n + j] = j < i ? likeness[j * n + i] : dot(vectors[i], vectors[j]);
      sums[i] += likeness[i * n + j];
    }
  }
  std::vector<double> scores(n, 1.0 / static_cast<double>(n));
  for (int step = 0; step < kMostSteps; ++step) {
    std::vector<double> next(n, (1.0 - kDamping) / static_cast<double>(n));
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        // A sentence like no other sends its walker anywhere.
        const double way =
            sums[i] > 0 ? likeness[i * n + j] / sums[i] : 1.0 / static_cast<double>(n);
        next[j] += kDamping * scores[i] * way;
      }
    }
    double moved = 0;
    for (size_t i = 0; i < n; ++i) moved += std::abs(next[i] - scores[i]);
    scores = std::move(next);
    if (moved < kTolerance) break;
  }
  return scores;
}

std::vector<double> rank_by_centroid(const std::vector<Vector>& vectors) {
  std::map<size_t, double> sums;
  for (const Vector& vector : vectors) {
    for (const auto& [unit, weight] : vector) sums[unit] += weight;
  }
  Vector centroid(sums.begin(), sums.end());
  normalize(centroid);
  std::vector<double> scores;
  for (const Vector& vector : vectors) scores.push_back(dot(vector, centroid));
  const double total = std::accumulate(scores.begin(), scores.end(), 0.0);
  for (double& score : scores) score /= std::max(total, 1e-30);
  return scores;
}

}  // namespace

SummaryLength parse_summary_length(const std::string& text) {
  SummaryLength length;
  if (text == "short") return {2, 0};
  if (text == "medium") return {4, 0};
  if (text == "long") return {8, 0};
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  const bool characters = read.ptr + 1 == end && *read.ptr == 'c';
  constexpr int64_t kMost = 1'000'000;
  if (read.ec != std::errc() || (read.ptr != end && !characters) || value < 1 || value > kMost) {
    throw Error(ErrorCode::kInvalidArgument, "length '" + text + "'", "is none",
                "give short, medium, long, a number of sentences (5) or of characters (300c)");
  }
  if (!characters) return {value, 0};
  length.sentences = 0;
  length.characters = value;
  return length;
}

std::vector<ExtractedSentence> extract_sentences(std::string_view text,
                                                 const SummaryLength& length) {
  const std::vector<TextSpan> sentences = split_sentences(text);
  if (sentences.empty()) return {};
  const std::vector<Vector> vectors = weigh(text, sentences);
  const std::vector<double> scores =
      sentences.size() <= kMostRanked ? rank_by_walk(vectors) : rank_by_centroid(vectors);
  std::vector<size_t> order(sentences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return scores[a] > scores[b] + kTolerance;  // equal ones in the text's order
  });
  std::vector<size_t> chosen;
  int64_t characters = 0;
  for (const size_t i : order) {
    const bool repeats = std::any_of(chosen.begin(), chosen.end(), [&](size_t j) {
      return dot(vectors[i], vectors[j]) > kTooAlike;
    });
    if (repeats) continue;
    const auto more = static_cast<int64_t>(count_characters(sentences[i].in(text)));
    if (length.characters > 0) {
      // The best sentence always, and whatever still fits.
      if (!chosen.empty() && characters + more + 1 > length.characters) continue;
    } else if (static_cast<int64_t>(chosen.size()) >= length.sentences) {
      break;
    }
    characters += more + 1;
    chosen.push_back(i);
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<ExtractedSentence> result;
  for (const size_t i : chosen) result.push_back({sentences[i], scores[i]});
  return result;
}

}  // namespace onmal

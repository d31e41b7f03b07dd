#include "evaluate/translation.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kBleuOrder = 4;
constexpr size_t kBleuWidth = 2 + 2 * kBleuOrder;  // hypothesis and reference length; right, total
constexpr size_t kCharOrder = 6;

void check(const std::vector<std::string>& hypotheses, const References& references) {
  if (references.empty()) check_same_count(hypotheses.size(), 0);
  for (const std::vector<std::string>& reference : references)
    check_same_count(hypotheses.size(), reference.size());
}

// The nearest in length; of two as near, the shorter.
size_t closest_length(size_t length, const std::vector<size_t>& lengths) {
  const auto distance = [&](size_t other) {
    return other > length ? other - length : length - other;
  };
  return *std::min_element(lengths.begin(), lengths.end(), [&](size_t a, size_t b) {
    return distance(a) != distance(b) ? distance(a) < distance(b) : a < b;
  });
}

std::array<double, kBleuWidth> bleu_statistics(const std::string& hypothesis,
                                               const References& references, size_t item,
                                               TextUnits units) {
  std::array<double, kBleuWidth> out = {};
  const std::vector<std::string> words = cut_text(hypothesis, units);
  std::vector<std::vector<std::string>> others;
  std::vector<size_t> lengths;
  for (const std::vector<std::string>& reference : references) {
    others.push_back(cut_text(reference[item], units));
    lengths.push_back(others.back().size());
  }
  out[0] = static_cast<double>(words.size());
  out[1] = static_cast<double>(closest_length(words.size(), lengths));
  for (size_t n = 1; n <= kBleuOrder; ++n) {
    NgramCounts most;
    for (const std::vector<std::string>& other : others) {
      for (const auto& [ngram, count] : count_ngrams(other, n))
        most[ngram] = std::max(most[ngram], count);
    }
    out[2 * n] = static_cast<double>(count_matches(count_ngrams(words, n), most));
    out[2 * n + 1] = static_cast<double>(words.size() >= n ? words.size() - n + 1 : 0);
  }
  return out;
}

double finish_bleu(std::span<const double> sums) {
  double log_sum = 0;
  double smoothing = 1;
  bool any = false;
  for (size_t n = 1; n <= kBleuOrder; ++n) {
    const double right = sums[2 * n];
    const double total = sums[2 * n + 1];
    any = any || right > 0;
    if (total == 0) return 0;
    if (right == 0) smoothing *= 2;
    log_sum += std::log(right > 0 ? right / total : 1 / (smoothing * total));
  }
  if (!any) return 0;
  const double brevity = sums[0] < sums[1] ? std::exp(1 - sums[1] / sums[0]) : 1;
  return 100 * brevity * std::exp(log_sum / static_cast<double>(kBleuOrder));
}

// Words with one punctuation mark at the end, or else at the beginning, parted from it.
std::vector<std::string> chrf_words(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string& word : split_white_space(text)) {
    const std::vector<std::string> characters = characters_of(word);
    if (characters.size() > 1 && is_ascii_punctuation(characters.back())) {
      out.push_back(word.substr(0, word.size() - 1));
      out.push_back(characters.back());
    } else if (characters.size() > 1 && is_ascii_punctuation(characters.front())) {
      out.push_back(characters.front());
      out.push_back(word.substr(1));
    } else {
      out.push_back(word);
    }
  }
  return out;
}

std::vector<NgramCounts> chrf_ngrams(const std::string& text, size_t word_order) {
  std::vector<NgramCounts> out;
  const std::vector<std::string> characters = cut_text(text, TextUnits::kCharacter);
  for (size_t n = 1; n <= kCharOrder; ++n) out.push_back(count_ngrams(characters, n));
  const std::vector<std::string> words = chrf_words(text);
  for (size_t n = 1; n <= word_order; ++n) out.push_back(count_ngrams(words, n));
  return out;
}

int64_t total_of(const NgramCounts& counts) {
  int64_t total = 0;
  for (const auto& [ngram, count] : counts) total += count;
  return total;
}

// Of each order: n-grams of the hypothesis (0 where the reference has none), of the reference, of
// both.
std::vector<double> chrf_statistics(const std::vector<NgramCounts>& hypothesis,
                                    const std::vector<NgramCounts>& reference) {
  std::vector<double> out;
  for (size_t n = 0; n < hypothesis.size(); ++n) {
    out.push_back(static_cast<double>(reference[n].empty() ? 0 : total_of(hypothesis[n])));
    out.push_back(static_cast<double>(total_of(reference[n])));
    out.push_back(static_cast<double>(count_matches(hypothesis[n], reference[n])));
  }
  return out;
}

double finish_chrf(std::span<const double> sums) {
  double precision = 0;
  double recall = 0;
  double orders = 0;
  for (size_t i = 0; i < sums.size(); i += 3) {
    if (sums[i] == 0 || sums[i + 1] == 0) continue;
    precision += sums[i + 2] / sums[i];
    recall += sums[i + 2] / sums[i + 1];
    ++orders;
  }
  return orders > 0 ? 100 * f_score(precision / orders, recall / orders, 2) : 0;
}

size_t longest_common_subsequence(const std::vector<std::string>& a,
                                  const std::vector<std::string>& b) {
  std::vector<size_t> row(b.size() + 1);
  for (const std::string& unit : a) {
    size_t diagonal = 0;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = unit == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

double ratio(size_t part, size_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

}  // namespace

Metric bleu_metric(const std::vector<std::string>& hypotheses, const References& references,
                   TextUnits units) {
  check(hypotheses, references);
  std::vector<double> statistics;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const auto row = bleu_statistics(hypotheses[i], references, i, units);
    statistics.insert(statistics.end(), row.begin(), row.end());
  }
  return sums_metric("bleu", kBleuWidth, std::move(statistics), finish_bleu);
}

Metric chrf_metric(const std::vector<std::string>& hypotheses, const References& references,
                   size_t word_order) {
  check(hypotheses, references);
  std::vector<double> statistics;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const std::vector<NgramCounts> ngrams = chrf_ngrams(hypotheses[i], word_order);
    std::vector<double> best;
    for (const std::vector<std::string>& reference : references) {
      std::vector<double> row = chrf_statistics(ngrams, chrf_ngrams(reference[i], word_order));
      if (best.empty() || finish_chrf(row) > finish_chrf(best)) best = std::move(row);
    }
    statistics.insert(statistics.end(), best.begin(), best.end());
  }
  return sums_metric(word_order > 0 ? "chrf++" : "chrf", 3 * (kCharOrder + word_order),
                     std::move(statistics), finish_chrf);
}

Metric rouge_metric(const std::vector<std::string>& hypotheses,
                    const std::vector<std::string>& references, size_t order) {
  check_same_count(hypotheses.size(), references.size());
  std::vector<double> values;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const std::vector<std::string> a = content_units(hypotheses[i], true);
    const std::vector<std::string> b = content_units(references[i], true);
    if (order == 0) {
      const size_t common = longest_common_subsequence(a, b);
      values.push_back(f_score(ratio(common, a.size()), ratio(common, b.size())));
      continue;
    }
    const auto common =
        static_cast<size_t>(count_matches(count_ngrams(a, order), count_ngrams(b, order)));
    const auto ngrams = [&](size_t units) { return units >= order ? units - order + 1 : 0; };
    values.push_back(f_score(ratio(common, ngrams(a.size())), ratio(common, ngrams(b.size()))));
  }
  return mean_metric("rouge" + (order == 0 ? std::string("L") : std::to_string(order)),
                     std::move(values));
}

}  // namespace onmal

#include "evaluate/correction.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "evaluate/text_units.h"
#include "text/unicode.h"

namespace onmal {
namespace {

constexpr size_t kOrder = 4;
constexpr size_t kWidth = 2 + 2 * kOrder;

void check(const std::vector<std::string>& sources, const std::vector<std::string>& hypotheses,
           const std::vector<std::string>& references) {
  check_same_count(hypotheses.size(), references.size());
  check_same_count(hypotheses.size(), sources.size());
}

double finish_gleu(std::span<const double> sums) {
  double log_sum = 0;
  for (size_t n = 1; n <= kOrder; ++n) {
    if (sums[2 * n] <= 0 || sums[2 * n + 1] <= 0) return 0;
    log_sum += std::log(sums[2 * n] / sums[2 * n + 1]) / static_cast<double>(kOrder);
  }
  return std::exp(std::min(0.0, 1 - sums[1] / sums[0]) + log_sum);
}

std::vector<std::string> composed_characters(const std::string& text) {
  return characters_of(normalize_unicode(text, NormalForm::kNfc));
}

// costs[i * (b + 1) + j]: changed characters between a's rest from i and b's rest from j.
std::vector<uint32_t> rest_costs(const std::vector<std::string>& a,
                                 const std::vector<std::string>& b) {
  constexpr size_t kMostCells = size_t{1} << 28;
  if ((a.size() + 1) * (b.size() + 1) > kMostCells) {
    throw Error(ErrorCode::kResource, "edits",
                "texts of " + std::to_string(a.size()) + " and " + std::to_string(b.size()) +
                    " characters are too long to compare",
                "give sentences");
  }
  const size_t width = b.size() + 1;
  std::vector<uint32_t> costs((a.size() + 1) * width);
  for (size_t i = a.size() + 1; i-- > 0;) {
    for (size_t j = width; j-- > 0;) {
      uint32_t& cost = costs[i * width + j];
      if (i == a.size()) {
        cost = static_cast<uint32_t>(b.size() - j);
      } else if (j == b.size()) {
        cost = static_cast<uint32_t>(a.size() - i);
      } else {
        const uint32_t replaced = costs[(i + 1) * width + j + 1] + (a[i] == b[j] ? 0 : 1);
        cost = std::min({replaced, costs[(i + 1) * width + j] + 1, costs[i * width + j + 1] + 1});
      }
    }
  }
  return costs;
}

}  // namespace

Metric gleu_metric(const std::vector<std::string>& sources,
                   const std::vector<std::string>& hypotheses,
                   const std::vector<std::string>& references) {
  check(sources, hypotheses, references);
  std::vector<double> statistics;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const std::vector<std::string> source = split_white_space(sources[i]);
    const std::vector<std::string> hypothesis = split_white_space(hypotheses[i]);
    const std::vector<std::string> reference = split_white_space(references[i]);
    statistics.push_back(static_cast<double>(hypothesis.size()));
    statistics.push_back(static_cast<double>(reference.size()));
    for (size_t n = 1; n <= kOrder; ++n) {
      const NgramCounts made = count_ngrams(hypothesis, n);
      const NgramCounts wanted = count_ngrams(reference, n);
      NgramCounts to_change = count_ngrams(source, n);
      std::erase_if(to_change, [&](const auto& entry) { return wanted.contains(entry.first); });
      const int64_t right = count_matches(made, wanted) - count_matches(made, to_change);
      statistics.push_back(static_cast<double>(std::max<int64_t>(0, right)));
      statistics.push_back(
          static_cast<double>(hypothesis.size() >= n ? hypothesis.size() - n + 1 : 0));
    }
  }
  return sums_metric("gleu", kWidth, std::move(statistics), finish_gleu);
}

std::vector<TextEdit> find_edits(const std::string& from, const std::string& to) {
  const std::vector<std::string> a = composed_characters(from);
  const std::vector<std::string> b = composed_characters(to);
  const std::vector<uint32_t> costs = rest_costs(a, b);
  const size_t width = b.size() + 1;
  std::vector<TextEdit> edits;
  size_t i = 0;
  size_t j = 0;
  bool open = false;  // the last edit ends here
  while (i < a.size() || j < b.size()) {
    const uint32_t cost = costs[i * width + j];
    // Keep where that is as good as anything; so a change stands as far behind as it can.
    if (i < a.size() && j < b.size() && a[i] == b[j] && costs[(i + 1) * width + j + 1] == cost) {
      ++i;
      ++j;
      open = false;
      continue;
    }
    if (!open) edits.push_back({i, i, {}});
    open = true;
    const bool replaces =
        i < a.size() && j < b.size() && costs[(i + 1) * width + j + 1] + 1 == cost;
    const bool removes = !replaces && i < a.size() && costs[(i + 1) * width + j] + 1 == cost;
    if (!removes) edits.back().replacement.push_back(b[j++]);
    if (removes || replaces) edits.back().end = ++i;
  }
  return edits;
}

Metric edit_metric(const std::vector<std::string>& sources,
                   const std::vector<std::string>& hypotheses,
                   const std::vector<std::string>& references, EditMeasure measure) {
  check(sources, hypotheses, references);
  std::vector<double> statistics;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const std::vector<TextEdit> made = find_edits(sources[i], hypotheses[i]);
    const std::vector<TextEdit> wanted = find_edits(sources[i], references[i]);
    const auto right = std::count_if(made.begin(), made.end(), [&](const TextEdit& edit) {
      return std::find(wanted.begin(), wanted.end(), edit) != wanted.end();
    });
    statistics.insert(statistics.end(),
                      {static_cast<double>(right), static_cast<double>(made.size()),
                       static_cast<double>(wanted.size())});
  }
  const char* const names[] = {"precision", "recall", "f0.5"};
  return sums_metric(names[static_cast<size_t>(measure)], 3, std::move(statistics),
                     [measure](std::span<const double> sums) {
                       const double precision = sums[1] > 0 ? sums[0] / sums[1] : 1;
                       const double recall = sums[2] > 0 ? sums[0] / sums[2] : 1;
                       if (measure == EditMeasure::kPrecision) return precision;
                       if (measure == EditMeasure::kRecall) return recall;
                       return f_score(precision, recall, 0.5);
                     });
}

}  // namespace onmal

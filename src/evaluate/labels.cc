#include "evaluate/labels.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"
#include "numeric/correlation.h"

namespace onmal {
namespace {

// Each label's true positives, false positives and false negatives, item by item.
struct Decisions {
  size_t labels = 0;
  std::vector<double> statistics;  // [items, labels, 3]
};

Decisions count_decisions(const LabelSets& predictions, const LabelSets& references) {
  check_same_count(predictions.size(), references.size());
  std::map<std::string, size_t> numbers;
  for (const LabelSets* sets : {&predictions, &references}) {
    for (const std::vector<std::string>& set : *sets) {
      for (const std::string& label : set) numbers.emplace(label, numbers.size());
    }
  }
  constexpr size_t kMostCells = size_t{1} << 28;
  if (numbers.size() * predictions.size() > kMostCells)
    throw Error(ErrorCode::kResource, "evaluation",
                std::to_string(numbers.size()) + " different labels: these are no classes");
  Decisions decisions = {numbers.size(), {}};
  decisions.statistics.resize(predictions.size() * numbers.size() * 3);
  for (size_t i = 0; i < predictions.size(); ++i) {
    double* row = decisions.statistics.data() + i * numbers.size() * 3;
    const std::set<std::string> predicted(predictions[i].begin(), predictions[i].end());
    const std::set<std::string> wanted(references[i].begin(), references[i].end());
    for (const std::string& label : predicted)
      row[3 * numbers[label] + (wanted.contains(label) ? 0 : 1)] += 1;
    for (const std::string& label : wanted) {
      if (!predicted.contains(label)) row[3 * numbers[label] + 2] += 1;
    }
  }
  return decisions;
}

double f1(double right, double false_positive, double false_negative) {
  const double below = 2 * right + false_positive + false_negative;
  return below > 0 ? 2 * right / below : 0;
}

void check_numbers(const std::vector<double>& x, size_t others) {
  check_same_count(x.size(), others);
  if (!std::all_of(x.begin(), x.end(), [](double value) { return std::isfinite(value); }))
    throw Error(ErrorCode::kInvalidArgument, "evaluation", "a score is not a finite number");
}

std::vector<double> mean_ranks(const std::vector<double>& x) {
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
  std::vector<double> ranks(x.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && x[order[end]] == x[order[begin]]) ++end;
    for (size_t i = begin; i < end; ++i)
      ranks[order[i]] = static_cast<double>(begin + end - 1) / 2 + 1;
    begin = end;
  }
  return ranks;
}

std::vector<double> chosen_values(const std::vector<double>& x, std::span<const size_t> items) {
  std::vector<double> out;
  for (const size_t item : items) out.push_back(x[item]);
  return out;
}

}  // namespace

Metric accuracy_metric(const LabelSets& predictions, const LabelSets& references) {
  check_same_count(predictions.size(), references.size());
  std::vector<double> values;
  for (size_t i = 0; i < predictions.size(); ++i) {
    values.push_back(std::set(predictions[i].begin(), predictions[i].end()) ==
                             std::set(references[i].begin(), references[i].end())
                         ? 1
                         : 0);
  }
  return mean_metric("accuracy", std::move(values));
}

Metric micro_f1_metric(const LabelSets& predictions, const LabelSets& references) {
  Decisions decisions = count_decisions(predictions, references);
  return sums_metric("micro_f1", std::max<size_t>(1, decisions.labels * 3),
                     std::move(decisions.statistics), [](std::span<const double> sums) {
                       double totals[3] = {};
                       for (size_t i = 0; i < sums.size(); ++i) totals[i % 3] += sums[i];
                       return f1(totals[0], totals[1], totals[2]);
                     });
}

Metric macro_f1_metric(const LabelSets& predictions, const LabelSets& references) {
  Decisions decisions = count_decisions(predictions, references);
  return sums_metric("macro_f1", std::max<size_t>(1, decisions.labels * 3),
                     std::move(decisions.statistics), [](std::span<const double> sums) {
                       double total = 0;
                       double labels = 0;
                       for (size_t i = 0; i + 2 < sums.size(); i += 3) {
                         if (sums[i] + sums[i + 1] + sums[i + 2] == 0) continue;  // not drawn
                         total += f1(sums[i], sums[i + 1], sums[i + 2]);
                         ++labels;
                       }
                       return labels > 0 ? total / labels : 0;
                     });
}

Metric auroc_metric(const std::vector<double>& scores, const std::vector<bool>& positive) {
  check_numbers(scores, positive.size());
  return {"auroc", scores.size(), [scores, positive](std::span<const size_t> items) {
            const std::vector<double> ranks = mean_ranks(chosen_values(scores, items));
            double sum = 0;
            double positives = 0;
            for (size_t i = 0; i < items.size(); ++i) {
              if (!positive[items[i]]) continue;
              sum += ranks[i];
              ++positives;
            }
            const double negatives = static_cast<double>(items.size()) - positives;
            // Mann and Whitney's U over all pairs; 0 / 0 is NaN.
            return (sum - positives * (positives + 1) / 2) / (positives * negatives);
          }};
}

Metric pearson_metric(const std::vector<double>& x, const std::vector<double>& y) {
  check_numbers(x, y.size());
  check_numbers(y, x.size());
  return {"pearson", x.size(), [x, y](std::span<const size_t> items) {
            return correlation(chosen_values(x, items), chosen_values(y, items));
          }};
}

Metric spearman_metric(const std::vector<double>& x, const std::vector<double>& y) {
  check_numbers(x, y.size());
  check_numbers(y, x.size());
  return {"spearman", x.size(), [x, y](std::span<const size_t> items) {
            return correlation(mean_ranks(chosen_values(x, items)),
                               mean_ranks(chosen_values(y, items)));
          }};
}

}  // namespace onmal

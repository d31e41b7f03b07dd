#include "train/label_metrics.h"

#include <cmath>

#include "numeric/correlation.h"

namespace onmal {

void LabelCounts::add(size_t label, bool said, bool is_true) {
  Count& count = counts_[label];
  count.found += said && is_true;
  count.wrong += said && !is_true;
  count.missed += !said && is_true;
}

double LabelCounts::f1(const Count& count) {
  const auto all = static_cast<double>(2 * count.found + count.wrong + count.missed);
  return all > 0 ? 2.0 * static_cast<double>(count.found) / all : 0.0;
}

double LabelCounts::micro_f1() const {
  Count total;
  for (const Count& count : counts_) {
    total.found += count.found;
    total.wrong += count.wrong;
    total.missed += count.missed;
  }
  return f1(total);
}

double LabelCounts::macro_f1() const {
  double sum = 0;
  for (const Count& count : counts_) sum += f1(count);
  return counts_.empty() ? 0.0 : sum / static_cast<double>(counts_.size());
}

double pearson(const std::vector<double>& x, const std::vector<double>& y) {
  const double found = correlation(x, y);
  return std::isnan(found) ? 0.0 : found;
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace onmal {

// A measure over items (texts, questions), ready to be computed on any choice of them: that is what
// the bootstrap needs. `value` may be called with items repeated.
struct Metric {
  std::string name;
  size_t items = 0;
  std::function<double(std::span<const size_t> items)> value;
};

struct MetricValue {
  std::string metric;
  double value;
  size_t n;
  double low;  // of the interval
  double high;
};

struct BootstrapOptions {
  int resamples = 1000;  // 0: no interval, low = high = value
  double level = 0.95;
  uint64_t seed = 1;
};

// The measure on all items, with the percentile interval of samples drawn with replacement (Efron,
// 1979). Same seed, same interval. Throws Error(kInvalidArgument) where there are no items.
MetricValue evaluate_metric(const Metric& metric, const BootstrapOptions& options = {});

// The mean of a value per item.
Metric mean_metric(std::string name, std::vector<double> values);

// Sums of statistics per item, [items, width], then `finish(sums)`: corpus-level measures.
Metric sums_metric(std::string name, size_t width, std::vector<double> statistics,
                   std::function<double(std::span<const double> sums)> finish);

// 2PR / (P + R) and kin: (1 + beta^2) PR / (beta^2 P + R); 0 where both are 0.
double f_score(double precision, double recall, double beta = 1);

// Throws Error(kInvalidArgument) unless there are as many predictions as references, and some.
void check_same_count(size_t predictions, size_t references);

}  // namespace onmal

#include "evaluate/metric.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace onmal {
namespace {

// Between the two nearest of the sorted values.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  return sorted[below] * (1 - part) + sorted[above] * part;
}

}  // namespace

MetricValue evaluate_metric(const Metric& metric, const BootstrapOptions& options) {
  if (metric.items == 0)
    throw Error(ErrorCode::kInvalidArgument, metric.name, "there is nothing to measure");
  if (options.resamples < 0 || !(options.level > 0 && options.level < 1))
    throw Error(ErrorCode::kInvalidArgument, metric.name, "an interval that makes no sense");
  std::vector<size_t> items(metric.items);
  std::iota(items.begin(), items.end(), size_t{0});
  const double value = metric.value(items);
  MetricValue result = {metric.name, value, metric.items, value, value};
  Rng rng(options.seed);
  std::vector<double> samples;
  for (int i = 0; i < options.resamples; ++i) {
    for (size_t& item : items) item = static_cast<size_t>(rng.below(metric.items));
    const double sample = metric.value(items);
    if (std::isfinite(sample)) samples.push_back(sample);
  }
  if (samples.empty()) return result;
  std::sort(samples.begin(), samples.end());
  result.low = quantile(samples, (1 - options.level) / 2);
  result.high = quantile(samples, (1 + options.level) / 2);
  return result;
}

Metric mean_metric(std::string name, std::vector<double> values) {
  const size_t items = values.size();
  return {std::move(name), items, [values = std::move(values)](std::span<const size_t> chosen) {
            double sum = 0;
            for (const size_t item : chosen) sum += values[item];
            return sum / static_cast<double>(chosen.size());
          }};
}

Metric sums_metric(std::string name, size_t width, std::vector<double> statistics,
                   std::function<double(std::span<const double> sums)> finish) {
  const size_t items = statistics.size() / width;
  return {std::move(name), items,
          [width, statistics = std::move(statistics),
           finish = std::move(finish)](std::span<const size_t> chosen) {
            std::vector<double> sums(width);
            for (const size_t item : chosen) {
              for (size_t i = 0; i < width; ++i) sums[i] += statistics[item * width + i];
            }
            return finish(sums);
          }};
}

double f_score(double precision, double recall, double beta) {
  const double square = beta * beta;
  const double below = square * precision + recall;
  return below > 0 ? (1 + square) * precision * recall / below : 0;
}

void check_same_count(size_t predictions, size_t references) {
  if (predictions == references && predictions > 0) return;
  throw Error(ErrorCode::kInvalidArgument, "evaluation",
              std::to_string(predictions) + " predictions for " + std::to_string(references) +
                  " references",
              "give one line for each, in the same order");
}

}  // namespace onmal

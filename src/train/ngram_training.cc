#include "train/ngram_training.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "numeric/logistic.h"
#include "train/lbfgs.h"

namespace onmal {
namespace {

constexpr int64_t kRowsAtOnce = 1024;
constexpr int64_t kColumnsAtOnce = 4096;

// Which features each text has, and which texts each feature: 0 or 1, sparse.
struct Features {
  std::vector<uint32_t> buckets;     // of each feature
  std::vector<uint64_t> row_begins;  // [texts + 1]
  std::vector<uint32_t> row_items;   // features
  std::vector<uint64_t> column_begins;
  std::vector<uint32_t> column_items;  // texts
  std::vector<float> norms;            // of each text: 1 / √(its n-grams)

  int64_t rows() const { return static_cast<int64_t>(norms.size()); }
  int64_t columns() const { return static_cast<int64_t>(buckets.size()); }
};

// Features that are in enough texts, and the texts' lists of them.
void collect_rows(ThreadPool& pool, std::span<const NgramExample> examples,
                  const NgramConfig& config, int least_count, Features& made) {
  std::vector<std::vector<uint32_t>> lists(examples.size());
  const auto rows = static_cast<int64_t>(examples.size());
  pool.for_blocks(0, rows, kRowsAtOnce, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      lists[i] = ngram_buckets(examples[i].text, config);
  });
  std::vector<uint32_t> counts(size_t{1} << config.bucket_bits);
  for (const auto& list : lists)
    for (const uint32_t bucket : list) ++counts[bucket];
  std::vector<uint32_t> number(counts.size());
  for (uint32_t bucket = 0; bucket < counts.size(); ++bucket) {
    if (counts[bucket] < static_cast<uint32_t>(least_count)) continue;
    number[bucket] = static_cast<uint32_t>(made.buckets.size());
    made.buckets.push_back(bucket);
  }
  made.row_begins.push_back(0);
  for (auto& list : lists) {
    made.norms.push_back(1 / std::sqrt(static_cast<float>(std::max<size_t>(list.size(), 1))));
    for (const uint32_t bucket : list)
      if (counts[bucket] >= static_cast<uint32_t>(least_count))
        made.row_items.push_back(number[bucket]);
    made.row_begins.push_back(made.row_items.size());
    list = {};
  }
}

Features collect(ThreadPool& pool, std::span<const NgramExample> examples,
                 const NgramConfig& config, int least_count) {
  Features made;
  collect_rows(pool, examples, config, least_count, made);
  made.column_begins.assign(made.buckets.size() + 1, 0);
  for (const uint32_t feature : made.row_items) ++made.column_begins[feature + 1];
  for (size_t j = 0; j < made.buckets.size(); ++j)
    made.column_begins[j + 1] += made.column_begins[j];
  std::vector<uint64_t> next(made.column_begins.begin(), made.column_begins.end() - 1);
  made.column_items.resize(made.row_items.size());
  for (uint32_t row = 0; row < made.norms.size(); ++row)
    for (uint64_t at = made.row_begins[row]; at < made.row_begins[row + 1]; ++at)
      made.column_items[next[made.row_items[at]]++] = row;
  return made;
}

// One output's regression.
class Regression {
 public:
  Regression(ThreadPool& pool, const Features& features, std::span<const NgramExample> examples,
             size_t output, const NgramTraining& how)
      : pool_(pool), features_(features), how_(how), slopes_(examples.size()) {
    for (const NgramExample& example : examples) {
      const int8_t target = example.targets[output];
      targets_.push_back(target > 0 ? 1.0F : 0.0F);
      weights_.push_back(target < 0 ? 0.0F : example.weight);
    }
    ratios_.assign(features.buckets.size(), 1.0F);
    if (how.naive_bayes) set_ratios();
  }

  // Weights of the features and, last, the bias.
  std::vector<double> solve() {
    std::vector<double> x(ratios_.size() + 1);
    LbfgsOptions options;
    options.iterations = how_.iterations;
    minimize_lbfgs([this](std::span<const double> at,
                          std::span<double> gradient) { return value(at, gradient); },
                   x, options);
    for (size_t j = 0; j < ratios_.size(); ++j) x[j] *= static_cast<double>(ratios_[j]);
    return x;
  }

 private:
  void set_ratios() {
    double true_sum = 0, false_sum = 0;
    std::vector<double> true_counts(ratios_.size()), false_counts(ratios_.size());
    for (size_t j = 0; j < ratios_.size(); ++j) {
      true_counts[j] = false_counts[j] = how_.smoothing;
      for_column(j, [&](uint32_t row) {
        const auto weight = static_cast<double>(weights_[row]);
        (targets_[row] > 0 ? true_counts[j] : false_counts[j]) += weight;
      });
      true_sum += true_counts[j];
      false_sum += false_counts[j];
    }
    for (size_t j = 0; j < ratios_.size(); ++j)
      ratios_[j] =
          static_cast<float>(std::log(true_counts[j] / true_sum / (false_counts[j] / false_sum)));
  }

  template <typename Body>
  void for_column(size_t j, const Body& body) const {
    for (uint64_t at = features_.column_begins[j]; at < features_.column_begins[j + 1]; ++at)
      body(features_.column_items[at]);
  }

  double row_logit(size_t row, std::span<const float> scaled, double bias) const {
    double sum = 0;
    for (uint64_t at = features_.row_begins[row]; at < features_.row_begins[row + 1]; ++at)
      sum += static_cast<double>(scaled[features_.row_items[at]]);
    return bias + sum * static_cast<double>(features_.norms[row]);
  }

  double value(std::span<const double> x, std::span<double> gradient) {
    const size_t columns = ratios_.size();
    std::vector<float> scaled(columns);
    double penalty = 0;
    for (size_t j = 0; j < columns; ++j) {
      scaled[j] = static_cast<float>(x[j]) * ratios_[j];
      penalty += x[j] * x[j];
    }
    const int64_t rows = features_.rows();
    std::vector<double> losses(static_cast<size_t>(rows));
    pool_.for_blocks(0, rows, kRowsAtOnce, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        const double z = row_logit(i, scaled, x[columns]);
        const auto y = static_cast<double>(targets_[i]);
        const auto w = static_cast<double>(weights_[i]);
        losses[i] = w * (softplus(z) - y * z);
        slopes_[i] = w * (sigmoid(z) - y);
      }
    });
    pool_.for_blocks(0, features_.columns(), kColumnsAtOnce, [&](int64_t begin, int64_t end) {
      for (auto j = static_cast<size_t>(begin); j < static_cast<size_t>(end); ++j) {
        double sum = 0;
        for_column(j, [&](uint32_t row) {
          sum += slopes_[row] * static_cast<double>(features_.norms[row]);
        });
        gradient[j] = sum * static_cast<double>(ratios_[j]) + how_.l2 * x[j];
      }
    });
    double loss = 0;
    gradient[columns] = 0;
    for (size_t i = 0; i < losses.size(); ++i) {
      loss += losses[i];
      gradient[columns] += slopes_[i];
    }
    return loss + how_.l2 / 2 * penalty;
  }

  ThreadPool& pool_;
  const Features& features_;
  NgramTraining how_;
  std::vector<float> targets_, weights_;  // of texts; 0 where nobody said
  std::vector<float> ratios_;             // of features
  std::vector<double> slopes_;            // of texts: d(loss)/d(logit)
};

}  // namespace

NgramModel train_ngrams(ThreadPool& pool, std::span<const NgramExample> examples,
                        const NgramConfig& config, const NgramTraining& how) {
  config.validate("n-grams");
  if (examples.empty() || examples[0].targets.empty())
    throw Error(ErrorCode::kInvalidArgument, "n-grams", "no texts or no labels to learn from");
  const size_t outputs = examples[0].targets.size();
  const Features features = collect(pool, examples, config, how.least_count);
  std::vector<float> weights((size_t{1} << config.bucket_bits) * outputs), biases;
  for (size_t k = 0; k < outputs; ++k) {
    const std::vector<double> solved = Regression(pool, features, examples, k, how).solve();
    for (size_t j = 0; j < features.buckets.size(); ++j)
      weights[features.buckets[j] * outputs + k] = static_cast<float>(solved[j]);
    biases.push_back(static_cast<float>(solved.back()));
  }
  return {config, weights, biases};
}

}  // namespace onmal

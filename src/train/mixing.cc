#include "train/mixing.h"

#include <algorithm>
#include <cmath>

#include "numeric/logistic.h"
#include "train/lbfgs.h"

namespace onmal {
namespace {

constexpr double kPull = 4;  // towards the rule of all labels, against the sum of losses

double mixed(const MixingData& data, size_t at, std::span<const double> rule) {
  return rule[0] * data.head[at] + rule[1] * data.ngrams[at] + rule[2];
}

// The rule of outputs `first`, `first + step` … that is best, drawn towards `towards`.
std::vector<double> fit_rule(const MixingData& data, size_t first, size_t step,
                             const std::vector<double>& towards, double pull) {
  std::vector<double> rule = towards;
  minimize_lbfgs(
      [&](std::span<const double> x, std::span<double> gradient) {
        double loss = 0;
        for (size_t d = 0; d < 3; ++d) {
          const double away = x[d] - towards[d];
          loss += pull / 2 * away * away;
          gradient[d] = pull * away;
        }
        for (size_t at = first; at < data.targets.size(); at += step) {
          const double z = mixed(data, at, x);
          loss += softplus(z) - data.targets[at] * z;
          const double slope = sigmoid(z) - data.targets[at];
          gradient[0] += slope * data.head[at];
          gradient[1] += slope * data.ngrams[at];
          gradient[2] += slope;
        }
        return loss;
      },
      rule);
  return rule;
}

MixingRule rule_of(double head, double ngrams, double bias) {
  return {static_cast<float>(head), static_cast<float>(ngrams), static_cast<float>(bias), 0.5F};
}

// Softmax over the labels: two weights, and a bias for each.
std::vector<MixingRule> fit_choice(const MixingData& data) {
  const size_t n = data.outputs;
  std::vector<double> x(2 + n);
  x[0] = x[1] = 0.5;
  minimize_lbfgs(
      [&](std::span<const double> at, std::span<double> gradient) {
        double loss = 0;
        for (size_t d = 0; d < at.size(); ++d) {
          gradient[d] = 1e-3 * at[d];
          loss += 0.5e-3 * at[d] * at[d];
        }
        std::vector<double> z(n);
        for (size_t i = 0; i < data.texts(); ++i) {
          for (size_t k = 0; k < n; ++k)
            z[k] = at[0] * data.head[i * n + k] + at[1] * data.ngrams[i * n + k] + at[2 + k];
          const double largest = *std::max_element(z.begin(), z.end());
          double sum = 0;
          for (const double value : z) sum += std::exp(value - largest);
          for (size_t k = 0; k < n; ++k) {
            if (data.targets[i * n + k] > 0) loss += largest + std::log(sum) - z[k];
            const double slope = std::exp(z[k] - largest) / sum - data.targets[i * n + k];
            gradient[0] += slope * data.head[i * n + k];
            gradient[1] += slope * data.ngrams[i * n + k];
            gradient[2 + k] += slope;
          }
        }
        return loss;
      },
      x);
  std::vector<MixingRule> rules;
  for (size_t k = 0; k < n; ++k) rules.push_back(rule_of(x[0], x[1], x[2 + k]));
  return rules;
}

}  // namespace

std::vector<MixingRule> fit_mixing(const MixingData& data) {
  if (data.choice && data.outputs > 1) return fit_choice(data);
  const std::vector<double> common = fit_rule(data, 0, 1, {0.5, 0.5, 0}, 1e-3);
  std::vector<MixingRule> rules;
  for (size_t k = 0; k < data.outputs; ++k) {
    const std::vector<double> rule =
        data.outputs == 1 ? common : fit_rule(data, k, data.outputs, common, kPull);
    rules.push_back(rule_of(rule[0], rule[1], rule[2]));
  }
  return rules;
}

void fit_threshold(const MixingData& data, NgramPart& part) {
  const size_t n = data.outputs;
  std::vector<float> probabilities(data.targets.size());
  for (size_t at = 0; at < probabilities.size(); ++at) {
    const MixingRule& rule = part.rules[at % n];
    const double parameters[] = {static_cast<double>(rule.head), static_cast<double>(rule.ngrams),
                                 static_cast<double>(rule.bias)};
    probabilities[at] = static_cast<float>(sigmoid(mixed(data, at, parameters)));
  }
  const auto set_threshold = [&](int hundredths) {
    for (MixingRule& rule : part.rules) rule.threshold = static_cast<float>(hundredths) / 100.0F;
  };
  double best = -1;
  int threshold = 50;
  for (int hundredths = 5; hundredths <= 95; ++hundredths) {
    set_threshold(hundredths);
    double right = 0, all = 0;  // said and true; said, and true
    for (size_t i = 0; i < data.texts(); ++i) {
      const std::vector<bool> said =
          part.said(std::span<const float>(probabilities).subspan(i * n, n));
      for (size_t k = 0; k < n; ++k) {
        const bool is_true = data.targets[i * n + k] > 0;
        right += said[k] && is_true ? 1 : 0;
        all += (said[k] ? 1 : 0) + (is_true ? 1 : 0);
      }
    }
    const double f1 = all > 0 ? 2 * right / all : 0;
    if (f1 <= best) continue;
    best = f1;
    threshold = hundredths;
  }
  set_threshold(threshold);
}

}  // namespace onmal

#include "models/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace onmal {
namespace {

// The (fractional) pair that turns `rotations` times over the original positions.
double yarn_pair(const RopeScaling& scaling, double rotations, double dims, double theta) {
  const double wave =
      static_cast<double>(scaling.original_positions) / (rotations * 2.0 * std::numbers::pi);
  return dims * std::log(wave) / (2.0 * std::log(theta));
}

void apply_yarn(const RopeScaling& scaling, int64_t dims, double theta,
                std::vector<double>& frequencies) {
  const auto size = static_cast<double>(dims);
  double low = yarn_pair(scaling, scaling.beta_fast, size, theta);
  double high = yarn_pair(scaling, scaling.beta_slow, size, theta);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, size - 1.0);
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = frequencies[i] / scaling.factor * ramp + frequencies[i] * (1.0 - ramp);
  }
}

void apply_llama3(const RopeScaling& scaling, std::vector<double>& frequencies) {
  const auto original = static_cast<double>(scaling.original_positions);
  const double low = scaling.low_frequency_factor;
  const double high = scaling.high_frequency_factor;
  for (double& frequency : frequencies) {
    const double turns = original * frequency / (2.0 * std::numbers::pi);
    const double smooth =
        high > low ? std::clamp((turns - low) / (high - low), 0.0, 1.0) : (turns < low ? 0.0 : 1.0);
    frequency = (1.0 - smooth) * frequency / scaling.factor + smooth * frequency;
  }
}

void divide(const std::vector<float>& factors, std::vector<double>& frequencies) {
  for (size_t i = 0; i < std::min(factors.size(), frequencies.size()); ++i)
    frequencies[i] /= static_cast<double>(factors[i]);
}

}  // namespace

std::vector<double> rope_frequencies(const RopeScaling& scaling, int64_t rotated_dims, double theta,
                                     bool is_long) {
  std::vector<double> frequencies(static_cast<size_t>(rotated_dims / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] =
        std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(rotated_dims));
  }
  switch (scaling.kind) {
    case RopeScalingKind::kLinear:
      for (double& frequency : frequencies) frequency /= scaling.factor;
      break;
    case RopeScalingKind::kYarn:
      apply_yarn(scaling, rotated_dims, theta, frequencies);
      break;
    case RopeScalingKind::kLlama3:
      apply_llama3(scaling, frequencies);
      break;
    case RopeScalingKind::kFactors:
      divide(scaling.long_factors, frequencies);
      break;
    case RopeScalingKind::kLongRope:
      divide(is_long ? scaling.long_factors : scaling.short_factors, frequencies);
      break;
    case RopeScalingKind::kNone:
    case RopeScalingKind::kDynamic:
      break;
  }
  return frequencies;
}

double yarn_magnitude(double factor, double multiplier) {
  return factor <= 1.0 ? 1.0 : 0.1 * multiplier * std::log(factor) + 1.0;
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "numeric/logistic.h"

namespace onmal {

// The logit of a probability, held within ±16.
double logit(double probability);

// A logit made a probability that comes true as often as it says: sigmoid(scale · logit + offset)
// (Platt, 1999).
struct PlattScaling {
  double scale = 1;
  double offset = 0;

  double operator()(double logit) const { return sigmoid(scale * logit + offset); }
};

// By Newton's method on the log loss, with Platt's softened targets. The identity where all targets
// are the same.
PlattScaling fit_platt(std::span<const double> logits, std::span<const uint8_t> targets);

// One bin of a reliability diagram.
struct ReliabilityBin {
  size_t count = 0;
  double said = 0;  // mean probability
  double true_share = 0;
};
std::vector<ReliabilityBin> reliability(std::span<const double> probabilities,
                                        std::span<const uint8_t> targets, size_t bins = 10);
// Expected calibration error: the mean distance between said and true, weighted by count.
double calibration_error(std::span<const ReliabilityBin> bins);
// Two curves, before and after, as an SVG document.
std::string reliability_svg(std::span<const ReliabilityBin> before,
                            std::span<const ReliabilityBin> after, const std::string& title);

// The threshold with the best F1; 0.5 where nothing is true.
double best_f1_threshold(std::span<const double> probabilities, std::span<const uint8_t> targets);

}  // namespace onmal

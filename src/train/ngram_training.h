#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "models/ngram_model.h"

namespace onmal {

// A text and what is known of it: for each output 1, 0, or less than 0 where nobody said.
struct NgramExample {
  std::string text;
  std::vector<int8_t> targets;
  float weight = 1;  // of its loss
};

struct NgramTraining {
  double l2 = 1;            // against the sum of losses
  bool naive_bayes = true;  // features scaled by their log-count ratios (Wang & Manning, 2012)
  double smoothing = 1;     // what is added to those counts
  int iterations = 60;
  int least_count = 2;  // n-grams in fewer texts are left out
};

// Logistic regression of each output on the texts' n-grams, to the minimum of
//   Σ weight · ln(1 + e^(−±logit)) + l2/2 · Σ v²,  logit = bias + Σ ratio · v / √n;
// the same bits for any number of threads. Throws Error(kInvalidArgument) for no texts or outputs.
NgramModel train_ngrams(ThreadPool& pool, std::span<const NgramExample> examples,
                        const NgramConfig& config, const NgramTraining& how);

}  // namespace onmal

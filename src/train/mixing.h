#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/ngram_model.h"

namespace onmal {

// What the two parts of a classifier say of texts that neither was trained on, and what is true.
struct MixingData {
  size_t outputs = 0;
  bool choice = false;          // one label a text: of two, one output, else as many as labels
  std::vector<double> head;     // [texts, outputs]; of two labels the second's less the first's
  std::vector<double> ngrams;   // [texts, outputs]
  std::vector<int8_t> targets;  // [texts, outputs], 0 or 1

  size_t texts() const { return targets.size() / outputs; }
};

// Logistic regression on the two logits: of each label by itself, drawn towards what is best for
// all labels together as far as a label is rare; where one of several labels is chosen, weights are
// the labels' in common and biases their own.
std::vector<MixingRule> fit_mixing(const MixingData& data);

// Gives all rules of a part the threshold, of whole hundredths, with which what it says of the data
// has the best micro-F1. One for all labels is best where probabilities are calibrated (Lipton et
// al., 2014).
void fit_threshold(const MixingData& data, NgramPart& part);

}  // namespace onmal

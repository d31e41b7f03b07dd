#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/ngram_features.h"

namespace onmal {

class ByteFront;

// A linear model over hashed n-grams: each output is a bias and, divided by the square root of how
// many n-grams a text has, the sum of their weights of 8 bits.
class NgramModel {
 public:
  NgramModel() = default;
  // Rounds weights [buckets, outputs] to 127 steps a side; few are so large that they are cut.
  NgramModel(const NgramConfig& config, std::span<const float> weights,
             std::span<const float> biases);

  size_t outputs() const { return biases_.size(); }
  const NgramConfig& config() const { return config_; }
  std::vector<double> logits(std::string_view text) const;

  // Weights that are not zero alone.
  void write(std::string& out) const;
  // Reads what write() wrote from the front of `bytes` and moves on. Throws Error(kBadFile).
  static NgramModel read(ByteFront& bytes);

 private:
  NgramConfig config_;
  std::vector<float> scales_, biases_;  // of each output
  std::vector<int8_t> weights_;         // [buckets, outputs]
};

// How an output of the head and one of the n-grams become one logit:
// head · logit + ngrams · logit + bias. Of several labels each is said from `threshold` on.
struct MixingRule {
  float head = 1;
  float ngrams = 0;
  float bias = 0;
  float threshold = 0.5F;  // of the probability
};

// The second part of a classifier, beside its head. Where one of two labels is chosen there is one
// output, the second label's; else one for each label.
struct NgramPart {
  NgramModel model;
  std::vector<MixingRule> rules;  // of each output
  bool at_least_one = false;      // several labels: a text without any gets the likeliest one
  int32_t exclusive = -1;         // several labels: the number of one that excludes all others

  // The number of outputs for so many labels.
  static size_t output_count(bool choice, size_t labels) {
    return choice && labels == 2 ? 1 : labels;
  }
  // Logits of the labels from those of the head.
  std::vector<float> mix(std::span<const float> head, std::string_view text) const;
  // Which of several labels are said of a text with these probabilities.
  std::vector<bool> said(std::span<const float> probabilities) const;

  std::string bytes() const;
  // Throws Error(kBadFile) for damaged bytes, and for a part of another number of outputs.
  static NgramPart parse(std::string_view bytes, const std::string& where, size_t outputs);
};

inline constexpr const char* kNgramFile = "ngrams.bin";  // in a classifier's folder
NgramPart load_ngram_part(const std::filesystem::path& path, size_t outputs);

}  // namespace onmal

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "safety/calibration.h"
#include "safety/score_source.h"

namespace onmal {

// A text and what it is known to be: for each label 1, 0, or less than 0 where nobody said.
struct LabelledText {
  std::string text;
  std::vector<int8_t> targets;
};

struct LinearTraining {
  int epochs = 6;
  double rate = 0.3;
  double decay = 1e-7;  // of weights at every update
  int bucket_bits = 16;
  uint64_t seed = 1;
};

// Logistic regression on n-grams of characters (1 to 4) and of sounds (4 to 6), by hash; one weight
// of 8 bits for each bucket and label, so that a file has a few hundred KB and a text takes
// microseconds.
class LinearClassifier : public ScoreSource {
 public:
  // Learns by AdaGrad, text by text in an order drawn from the seed. Throws
  // Error(kInvalidArgument) for no texts, no labels, or sizes that make no sense.
  static LinearClassifier train(std::span<const LabelledText> texts, std::vector<Category> labels,
                                const LinearTraining& how);
  // Throws Error(kBadFile) for other bytes than save() writes.
  static LinearClassifier parse(std::string_view bytes, const std::string& where);
  static LinearClassifier load(const std::filesystem::path& path);
  void save(const std::filesystem::path& path) const;

  const std::vector<Category>& labels() const { return labels_; }
  // Logits of each label, before calibration.
  std::vector<double> logits(std::string_view text) const;
  void set_calibration(size_t label, PlattScaling scaling) { calibration_[label] = scaling; }
  std::vector<CategoryScores> score(std::span<const std::string> texts) const override;

 private:
  // The largest of the labels' probabilities, with so much taken from the logit.
  double worst_score(const std::vector<double>& logits, double doubt) const;

  std::vector<Category> labels_;
  std::vector<PlattScaling> calibration_;
  std::vector<float> scales_;    // of each label's weights
  std::vector<float> biases_;    // of each label
  std::vector<int8_t> weights_;  // [buckets, labels]
  int bucket_bits_ = 0;
};

// A table with a header: the column "text", and one for each category, 1, 0 or empty. Throws
// Error(kBadFile) with the line, Error(kInvalidArgument) for an unknown category.
struct LabelledTable {
  std::vector<Category> labels;
  std::vector<LabelledText> rows;
};
LabelledTable read_labelled_table(const std::filesystem::path& path);

}  // namespace onmal

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/thread_pool.h"
#include "models/classifier.h"
#include "safety/calibration.h"
#include "safety/score_source.h"

namespace onmal {

// What the labels of a classifier mean here, and how its scores become probabilities.
struct LabelCalibration {
  Category category = Category::kHarassment;
  PlattScaling scaling;
  double threshold = 0.5;  // of the calibrated probability with the best F1 on the data it was
                           // fitted to; told, not used by policies
};
using Calibration = std::map<std::string, LabelCalibration>;

// JSON: {"labels": {"3": {"category": "profanity", "scale": 1.1, "offset": -0.2, "threshold":
// 0.4}}}. Labels that are not named are left out. Throws Error(kBadFile).
Calibration parse_calibration(std::string_view text, const std::string& where);
Calibration read_calibration(const std::filesystem::path& path);
void write_calibration(const Calibration& calibration, const std::filesystem::path& path);
// A label id of K-MHaS, or a category's own name, as far as they are among the labels.
Calibration default_calibration(const std::vector<std::string>& labels);

// A tuned encoder or decoder as a source of scores.
class EncoderScores : public ScoreSource {
 public:
  // `pool` must outlive it. Throws Error(kInvalidArgument) where no label has a category, or the
  // model judges tokens or numbers.
  EncoderScores(Classifier classifier, Calibration calibration, ThreadPool& pool);
  std::vector<CategoryScores> score(std::span<const std::string> texts) const override;

 private:
  Classifier classifier_;
  std::vector<const LabelCalibration*> by_label_;  // nullptr: left out
  Calibration calibration_;
  ThreadPool& pool_;
};

}  // namespace onmal

#include "safety/encoder_scores.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace onmal {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 20;

}  // namespace

Calibration parse_calibration(std::string_view text, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    return Error(ErrorCode::kBadFile, where, what, "make it with 'onmal moderate-calibrate'");
  };
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("labels") || !document["labels"].is_object())
    throw refuse("is no calibration");
  Calibration calibration;
  for (const auto& [label, value] : document["labels"].items()) {
    if (!value.is_object() || !value.contains("category") || !value["category"].is_string())
      throw refuse("label '" + label + "' has no category");
    LabelCalibration one;
    one.category = category_of(value["category"].get<std::string>(), where);
    for (const auto& [key, target] :
         {std::pair{"scale", &one.scaling.scale}, std::pair{"offset", &one.scaling.offset},
          std::pair{"threshold", &one.threshold}}) {
      if (!value.contains(key)) continue;
      if (!value[key].is_number()) throw refuse("label '" + label + "': " + key + " is no number");
      *target = value[key].get<double>();
    }
    calibration[label] = one;
  }
  return calibration;
}

Calibration read_calibration(const std::filesystem::path& path) {
  return parse_calibration(read_file(path, kMostBytes), path.string());
}

void write_calibration(const Calibration& calibration, const std::filesystem::path& path) {
  nlohmann::ordered_json labels = nlohmann::ordered_json::object();
  for (const auto& [label, one] : calibration)
    labels[label] = {{"category", category_name(one.category)},
                     {"scale", one.scaling.scale},
                     {"offset", one.scaling.offset},
                     {"threshold", one.threshold}};
  write_file(path, nlohmann::ordered_json{{"labels", labels}}.dump(2) + "\n");
}

Calibration default_calibration(const std::vector<std::string>& labels) {
  // The order of K-MHaS: origin, appearance, politics, profanity, age, gender, race, religion; its
  // 8 is "not hate".
  constexpr std::array<Category, 8> kKmhas = {Category::kHateRegion,   Category::kHarassment,
                                              Category::kHatePolitics, Category::kProfanity,
                                              Category::kHateAge,      Category::kHateGender,
                                              Category::kHateRace,     Category::kHateReligion};
  Calibration calibration;
  for (const std::string& label : labels) {
    if (const auto category = find_category(label)) {
      calibration[label].category = *category;
    } else if (labels.size() == kKmhas.size() + 1 && label.size() == 1 && label[0] >= '0' &&
               label[0] < '8') {
      calibration[label].category = kKmhas[static_cast<size_t>(label[0] - '0')];
    }
  }
  return calibration;
}

EncoderScores::EncoderScores(Classifier classifier, Calibration calibration, ThreadPool& pool)
    : classifier_(std::move(classifier)), calibration_(std::move(calibration)), pool_(pool) {
  const ClassifierConfig& config = classifier_.config();
  if (config.task != ClassifyTask::kMultiLabel && config.task != ClassifyTask::kSingleLabel)
    throw Error(ErrorCode::kInvalidArgument, "moderation classifier",
                "it judges tokens or numbers, not texts", "give one with labels of texts");
  bool any = false;
  for (const std::string& label : config.labels) {
    const auto found = calibration_.find(label);
    by_label_.push_back(found == calibration_.end() ? nullptr : &found->second);
    any = any || by_label_.back() != nullptr;
  }
  if (!any)
    throw Error(ErrorCode::kInvalidArgument, "moderation classifier",
                "none of its labels is a category",
                "give --calibration with the category of each label");
}

std::vector<CategoryScores> EncoderScores::score(std::span<const std::string> texts) const {
  std::vector<CategoryScores> all;
  for (const Classification& said : classifier_.classify(pool_, texts)) {
    CategoryScores scores{};
    for (size_t i = 0; i < by_label_.size(); ++i) {
      if (by_label_[i] == nullptr) continue;
      const double probability = by_label_[i]->scaling(logit(static_cast<double>(said.scores[i])));
      float& score = scores[category_index(by_label_[i]->category)];
      score = std::max(score, static_cast<float>(probability));
    }
    all.push_back(scores);
  }
  return all;
}

}  // namespace onmal

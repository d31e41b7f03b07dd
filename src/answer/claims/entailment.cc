#include "answer/claims/entailment.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/ascii.h"
#include "base/error.h"
#include "models/text_pair.h"

namespace onmal {
namespace {

enum class Side : uint8_t { kEntailment, kNeutral, kContradiction };

std::optional<Side> side_of(std::string_view label) {
  const std::string low = lower_ascii(label);
  if (low == "entailment" || low == "entail" || low == "entailed") return Side::kEntailment;
  if (low == "neutral" || low == "not_entailment" || low == "not entailment" ||
      low == "non-entailment")
    return Side::kNeutral;
  if (low.starts_with("contradict")) return Side::kContradiction;
  return std::nullopt;
}

std::vector<Side> read_sides(const Classifier& classifier, const std::filesystem::path& folder) {
  std::vector<Side> sides;
  std::string names;
  bool known = classifier.config().task == ClassifyTask::kSingleLabel;
  for (const std::string& label : classifier.config().labels) {
    names += (names.empty() ? "'" : ", '") + label + "'";
    const std::optional<Side> side = side_of(label);
    if (side) sides.push_back(*side);
    known = known && side.has_value();
  }
  const auto count = [&](Side side) { return std::count(sides.begin(), sides.end(), side); };
  known = known && sides.size() >= 2 && sides.size() <= 3 && count(Side::kEntailment) == 1 &&
          count(Side::kNeutral) <= 1 && count(Side::kContradiction) <= 1;
  if (!known) {
    throw Error(ErrorCode::kUnsupported, folder.string(),
                "is no entailment model: its labels are " + names,
                "id2label in config.json must name entailment, neutral and contradiction, or "
                "entailment and not_entailment");
  }
  return sides;
}

class ClassifierEntailment : public EntailmentModel {
 public:
  ClassifierEntailment(Classifier classifier, std::vector<Side> sides, ThreadPool& pool)
      : classifier_(std::move(classifier)), sides_(std::move(sides)), pool_(pool) {}

  std::vector<EntailmentScores> judge(std::span<const std::pair<std::string, std::string>> pairs,
                                      const std::stop_token& stop) const override {
    std::vector<EntailmentScores> results;
    for (const Classification& said : classify_pairs(classifier_, pool_, pairs, stop)) {
      EntailmentScores scores;
      for (size_t i = 0; i < sides_.size(); ++i) {
        const auto share = static_cast<double>(said.scores[i]);
        if (sides_[i] == Side::kEntailment) scores.entailment = share;
        if (sides_[i] == Side::kNeutral) scores.neutral = share;
        if (sides_[i] == Side::kContradiction) scores.contradiction = share;
      }
      results.push_back(scores);
    }
    return results;
  }

 private:
  Classifier classifier_;
  std::vector<Side> sides_;  // of the labels
  ThreadPool& pool_;
};

}  // namespace

std::unique_ptr<EntailmentModel> load_entailment_model(const std::filesystem::path& folder,
                                                       ThreadPool& pool) {
  Classifier classifier(folder);
  std::vector<Side> sides = read_sides(classifier, folder);
  return std::make_unique<ClassifierEntailment>(std::move(classifier), std::move(sides), pool);
}

}  // namespace onmal

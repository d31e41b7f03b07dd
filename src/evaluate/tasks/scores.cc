#include "base/error.h"
#include "evaluate/labels.h"
#include "evaluate/scoring_task.h"

namespace onmal {

ScoringTask scores_task() {
  return {"scores", "a score a line; references 1 or 0: area under the ROC curve", false,
          [](const ScoringInput& input) -> std::vector<Metric> {
            std::vector<bool> positive;
            for (const double label : parse_numbers(input.references.at(0), "references")) {
              if (label != 0 && label != 1)
                throw Error(ErrorCode::kInvalidArgument, "references", "a label is not 0 or 1");
              positive.push_back(label == 1);
            }
            return {auroc_metric(parse_numbers(input.predictions, "predictions"), positive)};
          }};
}

ScoringTask similarity_task() {
  return {"similarity", "a number a line: Pearson and Spearman correlation", false,
          [](const ScoringInput& input) -> std::vector<Metric> {
            const std::vector<double> x = parse_numbers(input.predictions, "predictions");
            const std::vector<double> y = parse_numbers(input.references.at(0), "references");
            return {pearson_metric(x, y), spearman_metric(x, y)};
          }};
}

}  // namespace onmal

#include "evaluate/labels.h"
#include "evaluate/scoring_task.h"

namespace onmal {
namespace {

// "1, 3" is two labels, an empty line none.
std::vector<std::string> parse_labels(const std::string& line) {
  std::vector<std::string> labels;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(',', begin), line.size());
    std::string label = line.substr(begin, end - begin);
    label.erase(0, label.find_first_not_of(' '));
    label.erase(label.find_last_not_of(' ') + 1);
    if (!label.empty()) labels.push_back(std::move(label));
    begin = end + 1;
  }
  return labels;
}

LabelSets one_each(const std::vector<std::string>& lines) {
  LabelSets sets;
  for (const std::string& line : lines) sets.push_back({line});
  return sets;
}

LabelSets many_each(const std::vector<std::string>& lines) {
  LabelSets sets;
  for (const std::string& line : lines) sets.push_back(parse_labels(line));
  return sets;
}

std::vector<Metric> label_metrics(const LabelSets& predictions, const LabelSets& references) {
  return {accuracy_metric(predictions, references), macro_f1_metric(predictions, references),
          micro_f1_metric(predictions, references)};
}

}  // namespace

ScoringTask classification_task() {
  return {"classification", "a label a line: accuracy, macro F1, micro F1", false,
          [](const ScoringInput& input) {
            return label_metrics(one_each(input.predictions), one_each(input.references.at(0)));
          }};
}

ScoringTask multilabel_task() {
  return {"multilabel", "labels with commas: accuracy (all labels right), macro F1, micro F1",
          false, [](const ScoringInput& input) {
            return label_metrics(many_each(input.predictions), many_each(input.references.at(0)));
          }};
}

}  // namespace onmal

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/metric.h"

namespace onmal {

// What a task is judged by: lines that belong together.
struct ScoringInput {
  std::vector<std::string> predictions;
  std::vector<std::vector<std::string>> references;  // one or more files
  std::vector<std::string> sources;                  // what was corrected; empty elsewhere
};

// A task whose predictions exist already. To add one: a function in a file of its own that returns
// its ScoringTask (as evaluate/tasks/*.cc do), declared below, and a line in scoring_tasks().
struct ScoringTask {
  std::string name;
  std::string description;
  bool needs_sources = false;
  std::function<std::vector<Metric>(const ScoringInput& input)> metrics;
};

ScoringTask classification_task();
ScoringTask multilabel_task();
ScoringTask scores_task();
ScoringTask similarity_task();
ScoringTask answers_task();
ScoringTask korean_answers_task();
ScoringTask translation_task();
ScoringTask summary_task();
ScoringTask correction_task();

std::vector<ScoringTask> scoring_tasks();
// Throws Error(kInvalidArgument) listing the names there are.
ScoringTask find_scoring_task(std::string_view name);

// A finite number from a whole line. Throws Error(kInvalidArgument) naming the line.
std::vector<double> parse_numbers(const std::vector<std::string>& lines, const std::string& what);

}  // namespace onmal

#include "evaluate/scoring_task.h"

#include <charconv>
#include <cmath>

#include "base/error.h"

namespace onmal {

std::vector<ScoringTask> scoring_tasks() {
  return {classification_task(), multilabel_task(), scores_task(),
          similarity_task(),     answers_task(),    korean_answers_task(),
          translation_task(),    summary_task(),    correction_task()};
}

ScoringTask find_scoring_task(std::string_view name) {
  std::string names;
  for (ScoringTask& task : scoring_tasks()) {
    if (task.name == name) return std::move(task);
    names += (names.empty() ? "" : ", ") + task.name;
  }
  throw Error(ErrorCode::kInvalidArgument, "task '" + std::string(name) + "'", "is not known",
              "tasks judged by files are " + names);
}

std::vector<double> parse_numbers(const std::vector<std::string>& lines, const std::string& what) {
  std::vector<double> numbers;
  for (const std::string& line : lines) {
    double number = 0;
    const char* const end = line.data() + line.size();
    const auto read = std::from_chars(line.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end || !std::isfinite(number)) {
      throw Error(ErrorCode::kInvalidArgument,
                  what + ", line " + std::to_string(numbers.size() + 1),
                  "'" + line + "' is not a number");
    }
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace onmal

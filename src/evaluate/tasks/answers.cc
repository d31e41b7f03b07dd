#include "evaluate/answers.h"

#include "base/error.h"
#include "evaluate/scoring_task.h"

namespace onmal {
namespace {

// Several right answers stand in one line with tabs between them, or in several files.
Answers right_answers(const ScoringInput& input) {
  Answers answers(input.predictions.size());
  for (const std::vector<std::string>& file : input.references) {
    check_same_count(input.predictions.size(), file.size());
    for (size_t i = 0; i < file.size(); ++i) {
      for (size_t begin = 0; begin <= file[i].size();) {
        const size_t end = std::min(file[i].find('\t', begin), file[i].size());
        answers[i].push_back(file[i].substr(begin, end - begin));
        begin = end + 1;
      }
    }
  }
  return answers;
}

std::vector<Metric> metrics(const ScoringInput& input, AnswerUnits units) {
  const Answers answers = right_answers(input);
  return {exact_match_metric(input.predictions, answers, units),
          answer_f1_metric(input.predictions, answers, units)};
}

}  // namespace

ScoringTask answers_task() {
  return {"answers", "short answers, as SQuAD: exact match, F1 of words", false,
          [](const ScoringInput& input) { return metrics(input, AnswerUnits::kWords); }};
}

ScoringTask korean_answers_task() {
  return {"answers-ko", "short answers, as KorQuAD: exact match, F1 of syllables", false,
          [](const ScoringInput& input) { return metrics(input, AnswerUnits::kSyllables); }};
}

}  // namespace onmal

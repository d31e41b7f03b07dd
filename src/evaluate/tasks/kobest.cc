#include "base/error.h"
#include "evaluate/model_task.h"
#include "evaluate/table_file.h"

namespace onmal {
namespace {

// A column that holds the number of the right choice, counted from `first`.
size_t parse_answer(const TableFile& table, size_t row, size_t column, size_t first,
                    size_t choices) {
  const std::string& text = table.at(row, column);
  const bool digit = text.size() == 1 && text[0] >= '0' && text[0] <= '9';
  const size_t number = digit ? static_cast<size_t>(text[0] - '0') : choices + first;
  if (number < first || number >= first + choices)
    throw Error(ErrorCode::kBadFile, table.where(row), "'" + text + "' is no choice's number");
  return number - first;
}

std::vector<Metric> copa(const ModelTaskInput& input) {
  const TableFile table(input.data);
  const size_t sentence = table.column("sentence");
  const size_t question = table.column("question");
  std::vector<ChoiceQuestion> questions;
  for (size_t row = 0; row < table.rows(); ++row) {
    const bool cause = table.at(row, question) == "원인";
    questions.push_back(
        {table.at(row, sentence) + (cause ? " 왜냐하면" : " 그래서"),
         {" " + table.at(row, table.column("1")), " " + table.at(row, table.column("2"))},
         parse_answer(table, row, table.column("Answer"), 1, 2)});
  }
  return choose_by_likelihood(input, std::move(questions));
}

std::vector<Metric> hellaswag(const ModelTaskInput& input) {
  const TableFile table(input.data);
  std::vector<ChoiceQuestion> questions;
  for (size_t row = 0; row < table.rows(); ++row) {
    ChoiceQuestion question = {table.at(row, table.column("context")), {}, 0};
    for (const char* name : {"choice1", "choice2", "choice3", "choice4"})
      question.choices.push_back(" " + table.at(row, table.column(name)));
    question.answer = parse_answer(table, row, table.column("label"), 0, 4);
    questions.push_back(std::move(question));
  }
  return choose_by_likelihood(input, std::move(questions));
}

std::vector<Metric> boolq(const ModelTaskInput& input) {
  const TableFile table(input.data);
  const size_t answer = table.column("Answer");
  std::vector<ChoiceQuestion> questions;
  for (size_t row = 0; row < table.rows(); ++row) {
    const bool yes = table.at(row, answer) == "True" || table.at(row, answer) == "1";
    questions.push_back({table.at(row, table.column("Text")) +
                             " 질문: " + table.at(row, table.column("Question")) + " 답변:",
                         {" 아니오", " 예"},
                         yes ? size_t{1} : size_t{0}});
  }
  return choose_by_likelihood(input, std::move(questions));
}

}  // namespace

ModelTask kobest_copa_task() {
  return {"copa", "KoBEST COPA (.tsv): cause or effect of two, by likelihood", copa};
}
ModelTask kobest_hellaswag_task() {
  return {"hellaswag", "KoBEST HellaSwag (.tsv): continuation of four, by likelihood", hellaswag};
}
ModelTask kobest_boolq_task() {
  return {"boolq", "KoBEST BoolQ (.tsv): yes or no, by likelihood", boolq};
}

}  // namespace onmal

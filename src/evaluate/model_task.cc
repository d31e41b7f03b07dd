#include "evaluate/model_task.h"

#include <algorithm>

#include "base/error.h"
#include "evaluate/labels.h"
#include "models/model_file.h"

namespace onmal {
namespace {

// -ln of the text's probability, but for its first token.
double negative_log_likelihood(const ModelTaskInput& input, const LanguageModel& model,
                               const std::string& text) {
  const std::vector<int32_t> ids = model.tokenizer->encode(text, {.add_special = true});
  if (ids.size() < 2) return 0;
  ScoreOptions options;
  options.matmul = input.matmul;
  return score_tokens(
             model, *input.pool, ids, options, [](int64_t) {}, input.stop)
      .negative_log_likelihood;
}

size_t least(const std::vector<double>& values) {
  return static_cast<size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

}  // namespace

std::vector<ModelTask> model_tasks() {
  return {kobest_copa_task(),         kobest_hellaswag_task(), kobest_boolq_task(),
          sentence_similarity_task(), bits_per_byte_task(),    grounded_qa_task(),
          retrieval_task(),           dense_retrieval_task(),  claims_task()};
}

const ModelTask* find_model_task(const std::vector<ModelTask>& tasks, std::string_view name) {
  const auto found = std::find_if(tasks.begin(), tasks.end(),
                                  [&](const ModelTask& task) { return task.name == name; });
  return found == tasks.end() ? nullptr : &*found;
}

std::vector<Metric> choose_by_likelihood(const ModelTaskInput& input,
                                         std::vector<ChoiceQuestion> questions) {
  if (input.limit > 0 && questions.size() > input.limit) questions.resize(input.limit);
  const LanguageModel model = load_language_model(input.model);
  require_tokenizer(model.tokenizer.get(), model.tokenizer_problem, input.model);
  std::vector<double> right;
  LabelSets chosen;
  LabelSets wanted;
  for (size_t i = 0; i < questions.size(); ++i) {
    const ChoiceQuestion& question = questions[i];
    const double prompt = negative_log_likelihood(input, model, question.prompt);
    std::vector<double> sums;
    std::vector<double> means;
    for (const std::string& choice : question.choices) {
      sums.push_back(negative_log_likelihood(input, model, question.prompt + choice) - prompt);
      means.push_back(sums.back() / static_cast<double>(std::max<size_t>(1, choice.size())));
    }
    right.push_back(least(sums) == question.answer ? 1 : 0);
    chosen.push_back({std::to_string(least(means))});
    wanted.push_back({std::to_string(question.answer)});
    if (input.progress) input.progress(i + 1, questions.size());
  }
  Metric normalized = accuracy_metric(chosen, wanted);
  normalized.name = "accuracy_norm";
  return {normalized, mean_metric("accuracy", std::move(right)), macro_f1_metric(chosen, wanted)};
}

}  // namespace onmal

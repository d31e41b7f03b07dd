#include <memory>

#include "evaluate/grounded_qa.h"
#include "evaluate/model_task.h"
#include "models/language_model.h"
#include "text/hangul.h"

namespace onmal {
namespace {

// Of the whole file, as many Korean questions as not make it KorQuAD's units.
bool is_korean(const SquadData& data) {
  size_t korean = 0;
  for (const SquadQuestion& question : data.questions)
    korean += count_hangul_syllables(question.question) > 0 ? 1 : 0;
  return 2 * korean > data.questions.size();
}

std::vector<Metric> grounded_qa(const ModelTaskInput& input) {
  const SquadData data = read_squad(input.data);
  GroundedQaOptions options;
  options.limit = input.limit;
  std::unique_ptr<TaskModel> model;
  if (!input.model.empty()) {
    require_writer(input.model);
    InstructOptions how;
    how.generator.matmul = input.matmul;
    how.sampler.temperature = 0;
    model = make_instruct_model(load_language_model(input.model), *input.pool, how);
  }
  return grounded_metrics(run_grounded_qa(data, model.get(), options, input.progress, input.stop),
                          is_korean(data) ? AnswerUnits::kSyllables : AnswerUnits::kWords);
}

}  // namespace

ModelTask grounded_qa_task() {
  return {"grounded-qa",
          "SQuAD or KorQuAD (.json): answers from passages with citations, every other question "
          "without its own passage; without --model by extraction",
          grounded_qa, false};
}

}  // namespace onmal

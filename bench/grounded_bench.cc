// Answers from passages, measured on a file of SQuAD or KorQuAD: each question is asked of the four
// paragraphs most alike, every other one without its own. usage: grounded_bench FILE.json[.gz]
// [MODEL|-] [LIMIT]

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <thread>

#include "evaluate/grounded_qa.h"
#include "models/language_model.h"
#include "text/hangul.h"

namespace {

using namespace onmal;

void run(int count, char** arguments) {
  const SquadData data = read_squad(arguments[1]);
  GroundedQaOptions options;
  if (count > 3) options.limit = static_cast<size_t>(std::max(1, std::atoi(arguments[3])));
  ThreadPool pool(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  std::unique_ptr<TaskModel> model;
  if (count > 2 && std::string(arguments[2]) != "-") {
    InstructOptions how;
    how.sampler.temperature = 0;
    model = make_instruct_model(load_language_model(arguments[2]), pool, how);
  }
  const bool korean = count_hangul_syllables(data.questions.front().question) > 0;
  for (const double unanswerable : {0.0, 0.5}) {
    options.unanswerable = unanswerable;
    options.answer.least_confidence = unanswerable == 0 ? 0 : kLeastConfidence;
    std::printf("%s\n", unanswerable == 0 ? "every question answerable, none withheld:"
                                          : "every other question without its paragraph:");
    const std::vector<GroundedItem> items = run_grounded_qa(data, model.get(), options, {});
    for (const Metric& metric :
         grounded_metrics(items, korean ? AnswerUnits::kSyllables : AnswerUnits::kWords)) {
      const MetricValue value = evaluate_metric(metric);
      std::printf("  %-20s %.4f [%.4f, %.4f] of %zu\n", value.metric.c_str(), value.value,
                  value.low, value.high, value.n);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: grounded_bench FILE.json[.gz] [MODEL|-] [LIMIT]\n");
    return 2;
  }
  try {
    run(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "grounded_bench: %s\n", error.what());
    return 1;
  }
}

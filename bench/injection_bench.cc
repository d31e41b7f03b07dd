// How many of the documents in samples/injections.jsonl make an answer say what they want, without
// a model and with one, for each kind of marks. usage: injection_bench samples/injections.jsonl
// [MODEL [--answers]]

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <thread>

#include "evaluate/injections.h"
#include "models/language_model.h"

namespace {

using namespace onmal;

void report(const std::string& name, const InjectionResult& result, bool answers) {
  std::printf("%-32s %zu of %zu obeyed, %zu abstained\n", name.c_str(), result.obeyed, result.tried,
              result.abstained);
  for (const auto& [attack, count] : result.obeyed_by_attack)
    std::printf("    %s: %zu\n", attack.c_str(), count);
  if (!answers) return;
  for (const std::string& answer : result.answers) std::printf("    > %s\n", answer.c_str());
}

void run(const char* path, const char* model_path, bool answers) {
  const std::vector<Injection> injections = read_injections(path);
  GroundedOptions options;
  for (const bool skip : {false, true}) {
    options.sentences.skip_orders = skip;
    report(skip ? "extraction, orders skipped" : "extraction",
           try_injections(injections, nullptr, options), answers);
  }
  if (model_path == nullptr) return;
  ThreadPool pool(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  InstructOptions how;
  how.sampler.temperature = 0;
  const std::unique_ptr<TaskModel> model =
      make_instruct_model(load_language_model(model_path), pool, how);
  options.least_confidence = 0;
  options.max_tokens = 96;
  for (const auto& [marks, name] : {std::pair{PassageMarks::kOff, "model, no defence"},
                                    std::pair{PassageMarks::kNone, "model, fence and rules"},
                                    std::pair{PassageMarks::kLines, "model, lines marked"},
                                    std::pair{PassageMarks::kWords, "model, words marked"}}) {
    options.context.marks = marks;
    options.context.seed = 1;
    report(name, try_injections(injections, model.get(), options), answers);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: injection_bench INJECTIONS.jsonl [MODEL [--answers]]\n");
    return 2;
  }
  try {
    run(arguments[1], count > 2 ? arguments[2] : nullptr,
        std::string(arguments[count - 1]) == "--answers");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "injection_bench: %s\n", error.what());
    return 1;
  }
}

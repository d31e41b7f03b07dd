#include "cli/evaluate_command.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/timer.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "evaluate/model_task.h"
#include "evaluate/scoring_task.h"
#include "evaluate/table_file.h"

namespace onmal {
namespace {

struct EvaluateOptions {
  std::string task;
  std::string predictions;
  std::vector<std::string> references;
  std::string sources;
  std::string model;
  std::string data;
  std::string reranker;
  int64_t rerank_depth = 50;
  size_t limit = 0;
  MatmulPrecision matmul = MatmulPrecision::kInt8;
  BootstrapOptions bootstrap;
};

std::vector<Metric> judge_files(const EvaluateOptions& options) {
  const ScoringTask task = find_scoring_task(options.task);
  if (options.predictions.empty() || options.references.empty())
    throw CLI::ValidationError("evaluate",
                               "task '" + task.name + "' needs --predictions and --references");
  if (task.needs_sources == options.sources.empty()) {
    throw CLI::ValidationError("evaluate", task.needs_sources
                                               ? "task '" + task.name + "' needs --sources"
                                               : "--sources goes with corrections only");
  }
  ScoringInput input;
  input.predictions = read_lines(options.predictions);
  for (const std::string& file : options.references) input.references.push_back(read_lines(file));
  if (task.needs_sources) input.sources = read_lines(options.sources);
  return task.metrics(input);
}

std::vector<Metric> run_model(CommandContext& context, const EvaluateOptions& options,
                              const ModelTask& task) {
  if (options.data.empty() || (task.needs_model && options.model.empty())) {
    throw CLI::ValidationError("evaluate", "task '" + task.name + "' needs " +
                                               (task.needs_model ? "--model and " : "") + "--data");
  }
  ThreadPool pool(context.threads);
  const Timer timer;
  ModelTaskInput input;
  input.model = options.model;
  input.data = options.data;
  input.reranker = options.reranker;
  input.rerank_depth = options.rerank_depth;
  input.limit = options.limit;
  input.matmul = options.matmul;
  input.pool = &pool;
  input.stop = context.interrupts.token();
  input.progress = [&](size_t done, size_t total) {
    if (!context.err_is_terminal) return;
    const double left =
        timer.seconds() * (static_cast<double>(total) / static_cast<double>(done) - 1);
    context.err << fmt::format("\r{} of {}, {:.0f} s left   {}", done, total, left,
                               done == total ? "\n" : "")
                << std::flush;
  };
  return task.metrics(input);
}

void print(CommandContext& context, const EvaluateOptions& options, const MetricValue& value) {
  if (!context.json) {
    context.out << fmt::format("{:<14} {:.4f}  [{:.4f}, {:.4f}]  n = {}\n", value.metric,
                               value.value, value.low, value.high, value.n);
    return;
  }
  const auto number = [](double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); };
  print_json(context, {{"task", options.task},
                       {"metric", value.metric},
                       {"value", number(value.value)},
                       {"n", value.n},
                       {"low", number(value.low)},
                       {"high", number(value.high)}});
}

void evaluate(CommandContext& context, const EvaluateOptions& options) {
  const std::vector<ModelTask> tasks = model_tasks();
  const ModelTask* task = find_model_task(tasks, options.task);
  const std::vector<Metric> metrics =
      task != nullptr ? run_model(context, options, *task) : judge_files(options);
  for (const Metric& metric : metrics)
    print(context, options, evaluate_metric(metric, options.bootstrap));
}

std::string task_list() {
  std::string text = "Tasks judged by files (--predictions, --references):\n";
  for (const ScoringTask& task : scoring_tasks())
    text += fmt::format("  {:<16} {}\n", task.name, task.description);
  text += "Tasks that a model does (--model, --data):\n";
  for (const ModelTask& task : model_tasks())
    text += fmt::format("  {:<16} {}\n", task.name, task.description);
  return text;
}

}  // namespace

void add_evaluate_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command =
      app.add_subcommand("evaluate", "Measure predictions, or a model on a task, with intervals");
  command->footer(task_list());
  command->add_option("--task", options->task, "What is measured; see below")->required();
  command->add_option("--predictions", options->predictions, "A prediction a line (may be .gz)")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--references", options->references,
                   "What is right, a line each; several files where a task takes several answers")
      ->check(CLI::ExistingFile);
  command->add_option("--sources", options->sources, "What was corrected, a line each")
      ->check(CLI::ExistingFile);
  command->add_option("-m,--model", options->model, "The model to measure")
      ->check(CLI::ExistingPath);
  command->add_option("--data", options->data, "The task's file or folder")
      ->check(CLI::ExistingPath);
  command
      ->add_option("--rerank", options->reranker,
                   "Retrieval: a cross-encoder that orders the best passages anew")
      ->check(CLI::ExistingPath);
  command->add_option("--rerank-depth", options->rerank_depth, "So many of them")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--limit", options->limit, "Take only the first so many items");
  add_matmul_option(*command, options->matmul);
  command->add_option("--resamples", options->bootstrap.resamples, "Bootstrap samples; 0: none")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command->add_option("--level", options->bootstrap.level, "Of the interval")
      ->check(CLI::Range(0.01, 0.9999))
      ->capture_default_str();
  command->add_option("--seed", options->bootstrap.seed, "Same seed, same interval");
  command->callback([&context, options] { evaluate(context, *options); });
}

}  // namespace onmal

#include "cli/train_commands.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>

#include "cli/json_output.h"
#include "cli/train_sample.h"
#include "train/trainer.h"

namespace onmal {
namespace {

struct RecipeOptions {
  std::string recipe;
  bool fresh = false;
};

std::string duration(double seconds) {
  const auto minutes = static_cast<int64_t>(seconds / 60);
  return fmt::format("{}:{:02}:{:02}", minutes / 60, minutes % 60,
                     static_cast<int64_t>(seconds) % 60);
}

void print_step(CommandContext& context, const StepReport& report) {
  if (context.json) {
    Json line = {
        {"step", report.step}, {"loss", report.loss},        {"tokens_per_s", report.tokens_per_s},
        {"mfu", report.mfu},   {"lr", report.learning_rate}, {"grad_norm", report.gradient_norm}};
    for (const auto& [name, value] : report.evaluation) line[name] = value;
    print_json(context, line);
    return;
  }
  constexpr int64_t kPlainEvery = 20;  // lines, where no terminal redraws one
  const bool last = report.step == report.steps;
  if (!context.err_is_terminal && report.step % kPlainEvery != 0 && !last &&
      report.evaluation.empty())
    return;
  context.err << (context.err_is_terminal ? "\r" : "")
              << fmt::format(
                     "step {}/{}  loss {:.4f}  {:.0f} tokens/s  MFU {:.0f} %  lr {:.2e}  {} left",
                     report.step, report.steps, report.loss, report.tokens_per_s, 100 * report.mfu,
                     report.learning_rate, duration(report.seconds_left));
  for (const auto& [name, value] : report.evaluation) {
    if (name == "bits_per_byte") {
      context.err << fmt::format("  held-out {:.4f} bits/byte", value);
    } else {
      context.err << fmt::format("  {} {:.4f}", name, value);
    }
  }
  context.err << (context.err_is_terminal && report.evaluation.empty() && !last ? "  " : "\n")
              << std::flush;
}

}  // namespace

void run_recipe(CommandContext& context, const std::filesystem::path& path, bool fresh) {
  Recipe recipe = load_recipe(path);
  if (context.threads > 0) recipe.run.threads = context.threads;
  const std::string prompt = recipe.run.sample_prompt;
  const std::string output = recipe.run.output.string();
  Trainer trainer(std::move(recipe));
  if (!fresh && trainer.resume()) {
    context.err << fmt::format("continuing after step {}\n", trainer.steps_done());
  }
  TrainCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) { print_step(context, report); };
  callbacks.on_sample = [&](LanguageModel& model, int64_t step) {
    context.err << fmt::format("sample after step {}: {}\n", step, sample_text(model, prompt));
  };
  callbacks.on_finish = [&](const Evaluation& evaluation) {
    Json line = Json::object();
    std::string text = "joined:";
    for (const auto& [name, value] : evaluation) {
      line[name] = value;
      text += fmt::format("  {} {:.4f}", name, value);
    }
    if (context.json) {
      print_json(context, Json{{"joined", line}});
    } else {
      context.err << text << "\n";
    }
  };
  trainer.run(callbacks, context.interrupts.token());
  context.err << fmt::format("{}: checkpoint, log.jsonl and loss.svg written after step {}\n",
                             output, trainer.steps_done());
}

void add_train_commands(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<RecipeOptions>();
  CLI::App* command =
      app.add_subcommand("train", "Train a model by a recipe; goes on where it stopped");
  command->add_option("recipe", options->recipe, "Recipe (TOML)")->required();
  command->add_flag("--fresh", options->fresh, "Start anew even if there is a checkpoint");
  command->callback([&context, options] { run_recipe(context, options->recipe, options->fresh); });
}

}  // namespace onmal

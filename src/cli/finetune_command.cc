#include "cli/finetune_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "cli/json_output.h"
#include "cli/train_commands.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

struct FinetuneOptions {
  std::string model, data, output;
  std::string question, answer, context;  // fields of the data; none: message lists
  int64_t steps = 100;
  int64_t batch = 8;
  int64_t length = 256;
  int64_t turns = 1;
  int64_t heldout_permille = 20;
  int64_t warmup_steps = 10;
  int64_t checkpoint_every = 0;
  int64_t evaluate_every = 50;
  int64_t seed = 1;
  double learning_rate = 2e-4;
  double weight_decay = 0.0;
  std::string optimizer = "adamw";
  std::string matmul = "f32";
  bool fresh = false;
};

// A text as TOML writes it; JSON's escapes are TOML's too.
std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string absolute(const std::string& path) { return fs::absolute(path).string(); }

// "jsonl" for conversations.jsonl.gz.
std::string format_of(const fs::path& data) {
  fs::path name = data.filename();
  if (name.extension() == ".gz" || name.extension() == ".xz") name = name.stem();
  const std::string extension = name.extension().string();
  for (const char* known : {".jsonl", ".json", ".csv", ".tsv"}) {
    if (extension == known) return extension.substr(1);
  }
  throw Error(
      ErrorCode::kInvalidArgument, data.string(), "is of no format known for conversations",
      "give .jsonl, .json, .csv or .tsv (perhaps .gz or .xz), or a corpus description .toml");
}

std::string corpus_text(const FinetuneOptions& options) {
  std::string text = fmt::format("[[conversation]]\npath = {}\nformat = \"{}\"\n",
                                 quoted(absolute(options.data)), format_of(options.data));
  for (const auto& [key, value] :
       {std::pair("question", options.question), std::pair("answer", options.answer),
        std::pair("context", options.context)}) {
    if (!value.empty()) text += fmt::format("{} = {}\n", key, quoted(value));
  }
  return text;
}

std::string recipe_text(const FinetuneOptions& options, const std::string& corpus) {
  return fmt::format(
      "# Written by 'onmal finetune'; 'onmal train' runs it again.\n\n"
      "[model]\nfrom = {}\n\n"
      "[data]\nconversations = {}\nfolder = {}\nlength = {}\nturns = {}\nheldout_permille = {}\n\n"
      "[optimizer]\nkind = {}\nlearning_rate = {:e}\nweight_decay = {:e}\n\n"
      "[schedule]\nkind = \"cosine\"\nwarmup_steps = {}\n\n"
      "[run]\nsteps = {}\nbatch = {}\nseed = {}\nmatmul = {}\ncheckpoint_every = {}\n"
      "evaluate_every = {}\noutput = {}\n",
      quoted(absolute(options.model)), quoted(absolute(corpus)),
      quoted(absolute(fs::path(options.data).parent_path().string())), options.length,
      options.turns, options.heldout_permille, quoted(options.optimizer), options.learning_rate,
      options.weight_decay, options.warmup_steps, options.steps, options.batch, options.seed,
      quoted(options.matmul), options.checkpoint_every, options.evaluate_every,
      quoted(absolute(options.output)));
}

void require_file(const std::string& path) {
  if (fs::exists(path)) return;
  throw Error(ErrorCode::kIo, path, "there is no such file or folder", "check the path");
}

// The flags become a recipe in the output folder: the run can be read, repeated and resumed.
void finetune(CommandContext& context, const FinetuneOptions& options) {
  if (options.question.empty() != options.answer.empty()) {
    throw CLI::ValidationError("finetune", "--question and --answer go together");
  }
  require_file(options.model);
  require_file(options.data);
  const fs::path folder(options.output);
  std::string corpus = options.data;
  if (fs::path(options.data).extension() != ".toml") {
    const std::string text = corpus_text(options);
    fs::create_directories(folder);
    corpus = (folder / "corpus.toml").string();
    write_file(corpus, text);
  }
  fs::create_directories(folder);
  write_file(folder / "recipe.toml", recipe_text(options, corpus));
  run_recipe(context, folder / "recipe.toml", options.fresh);
}

void add_numbers(CLI::App& command, FinetuneOptions& options) {
  const auto count = [&](const char* name, int64_t& value, const char* description, int64_t least) {
    command.add_option(name, value, description)
        ->check(CLI::Range(least, int64_t{1} << 40))
        ->capture_default_str();
  };
  count("--steps", options.steps, "Optimiser steps", 1);
  count("--batch", options.batch, "Sequences a step", 1);
  count("--length", options.length, "Tokens a sequence; longer conversations are cut", 2);
  count("--turns", options.turns, "Join up to so many conversations to one", 1);
  count("--heldout-permille", options.heldout_permille, "Conversations kept out, in a thousand", 0);
  count("--warmup-steps", options.warmup_steps, "Steps until the learning rate is reached", 0);
  count("--checkpoint-every", options.checkpoint_every, "Steps; 0: only at the end", 0);
  count("--evaluate-every", options.evaluate_every, "Steps; 0: never", 0);
  count("--seed", options.seed, "Of the order of the data", 0);
  command.add_option("--lr,--learning-rate", options.learning_rate, "Peak learning rate")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command.add_option("--weight-decay", options.weight_decay, "Of matrices")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
}

}  // namespace

void add_finetune_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<FinetuneOptions>();
  CLI::App* command =
      app.add_subcommand("finetune", "Tune a model on conversations; goes on where it stopped");
  command->add_option("-m,--model", options->model, "Model to start from")->required();
  command
      ->add_option(
          "--data", options->data,
          "Conversations: .jsonl or .json with \"messages\", any table with --question and "
          "--answer, or a corpus description (.toml)")
      ->required();
  command->add_option("-o,--output", options->output, "Folder for checkpoints and the model")
      ->required();
  command->add_option("--question", options->question, "Field or column of the question");
  command->add_option("--answer", options->answer, "Field or column of the answer");
  command->add_option("--context", options->context, "Field or column put below the question");
  add_numbers(*command, *options);
  command->add_option("--optimizer", options->optimizer, "adamw or muon")
      ->check(CLI::IsMember({"adamw", "muon"}))
      ->capture_default_str();
  command->add_option("--matmul", options->matmul, "f32 or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
  command->add_flag("--fresh", options->fresh, "Start anew even if there is a checkpoint");
  command->callback([&context, options] { finetune(context, *options); });
}

}  // namespace onmal

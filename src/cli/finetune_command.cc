#include "cli/finetune_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "cli/json_output.h"
#include "cli/train_commands.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConversations = "conversations";
constexpr const char* kClassification = "classification";
constexpr const char* kPreference = "preference";

struct FinetuneOptions {
  std::string model, data, output;
  std::string task = kConversations;
  std::string question, answer, context;  // fields of the data; none: message lists
  std::string heldout;                    // a table of its own
  std::string text_column = "text", second_column, pair_column, label_column = "label",
              separator = ",";
  std::string source_column = "source", target_column = "target", prefix;
  std::string prompt_column = "prompt", chosen_column = "chosen", rejected_column = "rejected";
  double beta = 0.1;
  double label_smoothing = 0.0;
  std::string problem = "single_label";
  std::string pooling;
  int64_t steps = 0;  // 0: as many as epochs take
  double epochs = 3;
  int64_t batch = 0;  // 0: 8 conversations or pairs, 32 texts
  int64_t length = 256;
  int64_t turns = 1;
  int64_t heldout_permille = -1;  // 20 conversations, 100 rows
  int64_t warmup_steps = 10;
  int64_t checkpoint_every = 0;
  int64_t evaluate_every = 50;
  int64_t seed = 1;
  double learning_rate = 2e-4;
  double weight_decay = 0.0;
  std::string adapter = "none";
  int64_t rank = 8;
  double alpha = 16;
  std::vector<std::string> targets;
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

// What is learned, from what: [objective] and [data].
std::string conversations_text(const FinetuneOptions& options, const std::string& corpus) {
  return fmt::format(
      "[data]\nconversations = {}\nfolder = {}\nturns = {}\n", quoted(absolute(corpus)),
      quoted(absolute(fs::path(options.data).parent_path().string())), options.turns);
}

std::string table_text(const FinetuneOptions& options) {
  std::string text = fmt::format("[objective]\ntask = {}\n", quoted(options.task));
  const bool classification = options.task == kClassification;
  if (classification) {
    text += fmt::format("problem = {}\n", quoted(options.problem));
    if (!options.pooling.empty()) text += fmt::format("pooling = {}\n", quoted(options.pooling));
  }
  if (options.task == kPreference) {
    text +=
        fmt::format("beta = {:e}\nlabel_smoothing = {:e}\n", options.beta, options.label_smoothing);
  }
  text += fmt::format("\n[data]\ntable = {}\n", quoted(absolute(options.data)));
  if (!options.heldout.empty())
    text += fmt::format("heldout_table = {}\n", quoted(absolute(options.heldout)));
  if (classification) {
    text +=
        fmt::format("text_column = {}\nsecond_column = {}\npair_column = {}\nlabel_column = {}\n",
                    quoted(options.text_column), quoted(options.second_column),
                    quoted(options.pair_column), quoted(options.label_column));
    text += fmt::format("label_separator = {}\n", quoted(options.separator));
  } else if (options.task == kPreference) {
    text += fmt::format("prompt_column = {}\nchosen_column = {}\nrejected_column = {}\n",
                        quoted(options.prompt_column), quoted(options.chosen_column),
                        quoted(options.rejected_column));
  } else {
    text += fmt::format("source_column = {}\ntarget_column = {}\nprefix = {}\n",
                        quoted(options.source_column), quoted(options.target_column),
                        quoted(options.prefix));
  }
  return text;
}

std::string adapter_text(const FinetuneOptions& options) {
  if (options.adapter == "none") return "";
  std::string text = fmt::format("[adapter]\nkind = {}\nrank = {}\nalpha = {:e}\n",
                                 quoted(options.adapter), options.rank, options.alpha);
  if (!options.targets.empty()) {
    text += "targets = [";
    for (const std::string& target : options.targets) text += quoted(target) + ", ";
    text += "]\n";
  }
  return text + "\n";
}

std::string recipe_text(const FinetuneOptions& options, const std::string& data) {
  const bool conversations = options.task == kConversations;
  const int64_t permille =
      options.heldout_permille >= 0 ? options.heldout_permille : (conversations ? 20 : 100);
  const int64_t batch = options.batch > 0 ? options.batch : (conversations ? 8 : 32);
  const std::string steps =
      options.steps > 0
          ? fmt::format("steps = {}\n", options.steps)
          : (conversations ? "steps = 100\n" : fmt::format("epochs = {:e}\n", options.epochs));
  return fmt::format(
      "# Written by 'onmal finetune'; 'onmal train' runs it again.\n\n"
      "[model]\nfrom = {}\n\n"
      "{}{}length = {}\nheldout_permille = {}\n\n"
      "[optimizer]\nkind = {}\nlearning_rate = {:e}\nweight_decay = {:e}\n\n"
      "[schedule]\nkind = \"cosine\"\nwarmup_steps = {}\n\n"
      "[run]\n{}batch = {}\nseed = {}\nmatmul = {}\ncheckpoint_every = {}\n"
      "evaluate_every = {}\nkeep_best = {}\noutput = {}\n",
      quoted(absolute(options.model)), adapter_text(options), data, options.length, permille,
      quoted(options.optimizer), options.learning_rate, options.weight_decay, options.warmup_steps,
      steps, batch, options.seed, quoted(options.matmul), options.checkpoint_every,
      options.evaluate_every, options.task == kClassification, quoted(absolute(options.output)));
}

void require_file(const std::string& path) {
  if (path.empty() || fs::exists(path)) return;
  throw Error(ErrorCode::kIo, path, "there is no such file or folder", "check the path");
}

// The flags become a recipe in the output folder: the run can be read, repeated and resumed.
void finetune(CommandContext& context, const FinetuneOptions& options) {
  if (options.question.empty() != options.answer.empty()) {
    throw CLI::ValidationError("finetune", "--question and --answer go together");
  }
  require_file(options.model);
  require_file(options.data);
  require_file(options.heldout);
  const fs::path folder(options.output);
  std::string data;
  if (options.task == kConversations) {
    std::string corpus = options.data;
    if (fs::path(options.data).extension() != ".toml") {
      const std::string text = corpus_text(options);
      fs::create_directories(folder);
      corpus = (folder / "corpus.toml").string();
      write_file(corpus, text);
    }
    data = conversations_text(options, corpus);
  } else {
    data = table_text(options);
  }
  fs::create_directories(folder);
  write_file(folder / "recipe.toml", recipe_text(options, data));
  run_recipe(context, folder / "recipe.toml", options.fresh);
}

void add_numbers(CLI::App& command, FinetuneOptions& options) {
  const auto count = [&](const char* name, int64_t& value, const char* description, int64_t least) {
    return command.add_option(name, value, description)
        ->check(CLI::Range(least, int64_t{1} << 40))
        ->capture_default_str();
  };
  count("--steps", options.steps, "Optimiser steps, instead of --epochs", 0)
      ->default_str("100 for conversations");
  command.add_option("--epochs", options.epochs, "Times that every example is seen")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  count("--batch", options.batch, "Sequences or texts a step", 0)->default_str("8 or 32");
  count("--length", options.length, "Tokens a sequence; longer ones are cut", 2);
  count("--turns", options.turns, "Join up to so many conversations to one", 1);
  count("--heldout-permille", options.heldout_permille, "Kept out, in a thousand", -1)
      ->default_str("20 or 100");
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

void add_adapter(CLI::App& command, FinetuneOptions& options) {
  command
      .add_option("--adapter", options.adapter,
                  "Train an adapter beside the model, which stays as stored (quantised, too)")
      ->check(CLI::IsMember({"none", "lora", "rslora", "dora"}))
      ->capture_default_str();
  command.add_option("--rank", options.rank, "Of the adapter")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command.add_option("--alpha", options.alpha, "The adapter's change weighs alpha / rank")
      ->check(CLI::Range(1e-6, 1e9))
      ->capture_default_str();
  command
      .add_option("--targets", options.targets,
                  "What the adapter changes: query,key,value,output,gate,up,down")
      ->delimiter(',')
      ->check(CLI::IsMember({"query", "key", "value", "output", "gate", "up", "down"}))
      ->default_str("all");
}

void add_columns(CLI::App& command, FinetuneOptions& options) {
  const auto column = [&](const char* name, std::string& value, const char* description) {
    command.add_option(name, value, description)->capture_default_str();
  };
  column("--question", options.question, "Conversations: field or column of the question");
  column("--answer", options.answer, "Conversations: field or column of the answer");
  column("--context", options.context, "Conversations: field or column put below the question");
  column("--heldout", options.heldout, "A table of held-out rows, instead of a split by hash");
  column("--text-column", options.text_column, "Classification: column or field of the text");
  column("--second-column", options.second_column, "Classification: put below the text");
  column("--pair-column", options.pair_column,
         "Classification of pairs: the second text (entailment: the hypothesis)");
  column("--label-column", options.label_column, "Classification: column or field of the label");
  column("--label-separator", options.separator, "Classification: between the labels of one text");
  column("--source-column", options.source_column, "Pairs: column or field of the source");
  column("--target-column", options.target_column, "Pairs: column or field of the target");
  column("--prefix", options.prefix, "Pairs: put before each source");
}

// Flags that every kind of tuning has.
void add_common(CLI::App& command, CommandContext& context,
                const std::shared_ptr<FinetuneOptions>& options) {
  command.add_option("-m,--model", options->model, "Model to start from")->required();
  command.add_option("-o,--output", options->output, "Folder for checkpoints and the result")
      ->required();
  add_adapter(command, *options);
  add_numbers(command, *options);
  command.add_option("--optimizer", options->optimizer, "adamw or muon")
      ->check(CLI::IsMember({"adamw", "muon"}))
      ->capture_default_str();
  command.add_option("--matmul", options->matmul, "f32 or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
  command.add_flag("--fresh", options->fresh, "Start anew even if there is a checkpoint");
  command.callback([&context, options] { finetune(context, *options); });
}

}  // namespace

void add_prefer_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<FinetuneOptions>();
  options->task = kPreference;
  options->batch = 8;
  options->epochs = 1;
  options->learning_rate = 1e-5;
  CLI::App* command = app.add_subcommand(
      "prefer", "Tune a model to prefer the better of two answers (DPO); goes on where it stopped");
  command->add_option("--data", options->data, "Pairs of answers: .jsonl, .json, .csv or .tsv")
      ->required();
  add_common(*command, context, options);
  const auto column = [&](const char* name, std::string& value, const char* description) {
    command->add_option(name, value, description)->capture_default_str();
  };
  column("--heldout", options->heldout, "Held-out pairs, instead of a split by hash");
  column("--prompt-column", options->prompt_column, "Column or field of the prompt");
  column("--chosen-column", options->chosen_column, "Column or field of the better answer");
  column("--rejected-column", options->rejected_column, "Column or field of the other one");
  command->add_option("--beta", options->beta, "How dear it is to leave the reference")
      ->check(CLI::Range(1e-6, 1e6))
      ->capture_default_str();
  command
      ->add_option("--label-smoothing", options->label_smoothing,
                   "Share of the pairs that are the wrong way round")
      ->check(CLI::Range(0.0, 0.49))
      ->capture_default_str();
}

void add_finetune_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<FinetuneOptions>();
  CLI::App* command =
      app.add_subcommand("finetune", "Tune a model to a task; goes on where it stopped");
  command
      ->add_option("--task", options->task,
                   "conversations (a decoder answers), classification (a decoder or encoder "
                   "labels) or pairs (an encoder-decoder writes)")
      ->check(CLI::IsMember({kConversations, kClassification, "pairs"}))
      ->capture_default_str();
  command
      ->add_option(
          "--data", options->data,
          "Conversations: .jsonl or .json with \"messages\", any table with --question and "
          "--answer, or a corpus description (.toml); other tasks: .jsonl, .json, .csv or .tsv")
      ->required();
  command
      ->add_option("--problem", options->problem,
                   "Classification: what a label is of; tokens: one for each word")
      ->check(CLI::IsMember({"single_label", "multi_label", "regression", "tokens"}))
      ->capture_default_str();
  command->add_option("--pooling", options->pooling, "Classification: what the head sees")
      ->check(CLI::IsMember({"cls", "mean", "last"}))
      ->default_str("the model's own way");
  add_columns(*command, *options);
  add_common(*command, context, options);
}

}  // namespace onmal

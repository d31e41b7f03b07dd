#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "answer/correct.h"
#include "base/error.h"
#include "cli/bundled_model.h"
#include "cli/text_task.h"
#include "cli/text_task_commands.h"

namespace onmal {
namespace {

constexpr const char* kRed = "\x1b[31;9m";
constexpr const char* kGreen = "\x1b[32m";
constexpr const char* kPlain = "\x1b[0m";

struct CorrectCommandOptions {
  TextTaskOptions common;
  CorrectOptions how;
  EditTaggerOptions tagger;
  bool no_diff = false;
};

Json edit_json(const CorrectionEdit& edit) {
  return {{"start", edit.begin},
          {"end", edit.end},
          {"start_character", edit.begin_character},
          {"end_character", edit.end_character},
          {"from", edit.from},
          {"to", edit.to}};
}

// The original with what went and what came: in colour on a terminal, else [-went-]{+came+}.
std::string marked(const CommandContext& context, const std::string& text,
                   const Correction& result) {
  const bool colour = context.err_is_terminal;
  std::string shown;
  size_t done = 0;
  for (const CorrectionEdit& edit : result.edits) {
    shown += text.substr(done, edit.begin - done);
    shown += colour ? fmt::format("{}{}{}{}{}{}", kRed, edit.from, kPlain, kGreen, edit.to, kPlain)
                    : fmt::format("[-{}-]{{+{}+}}", edit.from, edit.to);
    done = edit.end;
  }
  return shown + text.substr(done);
}

void print_correction(CommandContext& context, const CorrectCommandOptions& options,
                      const std::string& text, const Correction& result, const ModelName& name) {
  if (context.json) {
    Json edits = Json::array();
    for (const CorrectionEdit& edit : result.edits) edits.push_back(edit_json(edit));
    Json dropped = Json::array();
    for (const Correction::Dropped& drop : result.dropped) {
      dropped.push_back(edit_json(drop.edit));
      dropped.back()["reason"] = drop.reason;
    }
    print_json(context, {{"result", result.text},
                         {"edits", edits},
                         {"dropped", dropped},
                         {"sentences", result.sentences},
                         {"model", model_json(name)}});
    return;
  }
  std::string scratch;
  context.out << printable(context, result.text, scratch) << std::endl;
  if (!options.no_diff && !result.edits.empty())
    context.err << marked(context, text, result) << "\n";
  for (const Correction::Dropped& drop : result.dropped) {
    context.err << fmt::format("not done: '{}' to '{}': {}\n", drop.edit.from, drop.edit.to,
                               drop.reason);
  }
  context.err << fmt::format("{}: {} changes in {} sentences\n", model_line(name),
                             result.edits.size(), result.sentences);
}

// The model asked for, else the corrector that comes with the program.
void choose_model(CorrectCommandOptions& options) {
  std::string& model = options.common.talk.model;
  if (model.empty()) model = find_bundled_model("corrector").string();
  if (!model.empty()) return;
  throw Error(ErrorCode::kInvalidArgument, "correct",
              "--model is required: no corrector lies beside this program",
              "give an instruct model, or make one with recipes/correct.sh");
}

void run_correct(CommandContext& context, CorrectCommandOptions& options) {
  choose_model(options);
  const std::string text = read_task_text(context, options.common);
  require_text(text, "correct");
  options.how.prefix = options.common.prefix;
  ThreadPool pool(context.threads);
  if (EditTagger::is_one(options.common.talk.model)) {
    const EditTagger tagger(options.common.talk.model, options.tagger);
    const Correction result =
        correct_text(tagger, pool, text, options.how, context.interrupts.token());
    return print_correction(context, options, text, result, tagger.name());
  }
  const std::unique_ptr<TaskModel> model = open_task_model(context, pool, options.common);
  const Correction result = correct_text(
      *model, text, options.how,
      [&](size_t done, size_t total) { show_task_progress(context, done, total, "sentences"); },
      context.interrupts.token());
  print_correction(context, options, text, result, model->name());
}

}  // namespace

void add_correct_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<CorrectCommandOptions>();
  CLI::App* command =
      app.add_subcommand("correct", "Correct spelling, spacing and grammar, and show what changed");
  add_text_task_options(*command, options->common, false);
  command
      ->add_option("--most-rewritten", options->how.most_rewritten,
                   "Leave a sentence alone where more of its characters would change")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      ->add_option("--confidence", options->tagger.confidence,
                   "Edit taggers: least probability of a change (default: the model's own)")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--rounds", options->tagger.rounds, "Edit taggers: times a sentence is read")
      ->check(CLI::Range(1, 10))
      ->capture_default_str();
  command->add_flag("--no-diff", options->no_diff, "Show the corrected text alone");
  command->callback([&context, options] { run_correct(context, *options); });
}

}  // namespace onmal

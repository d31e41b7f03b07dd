#include "cli/moderate_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "cli/input.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "safety/decision_log.h"
#include "safety/encoder_scores.h"
#include "safety/linear_classifier.h"
#include "safety/moderator.h"

namespace onmal {
namespace {

constexpr uint64_t kMostTextBytes = uint64_t{1} << 30;

struct ModerateOptions {
  std::vector<std::string> texts;
  std::string file;
  std::string model;
  std::string calibration;
  std::string policy;
  std::string place = "answer";
  std::string log;
  bool log_text = false;
  bool lines = false;
};

void split_lines(const std::string& text, std::vector<std::string>& out) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    out.push_back(std::move(line));
    begin = end + 1;
  }
}

std::vector<std::string> read_texts(CommandContext& context, const ModerateOptions& options) {
  std::vector<std::string> texts = options.texts;
  if (!options.file.empty()) {
    const std::string text = read_file(options.file, kMostTextBytes);
    if (options.lines) {
      split_lines(text, texts);
    } else {
      texts.push_back(text);
    }
  }
  if (!options.texts.empty() || !options.file.empty()) return texts;
  if (context.in_is_terminal)
    throw CLI::ValidationError("moderate", "give a text, --file or a pipe");
  const std::string text = InputReader(context.in).read_all(context.interrupts.token());
  if (options.lines) {
    split_lines(text, texts);
  } else {
    texts.push_back(text);
  }
  return texts;
}

Json result_json(const std::string& text, const ModerationResult& result) {
  Json document{{"flagged", result.flagged}};
  document["categories"] = Json::object();
  document["category_scores"] = Json::object();
  document["actions"] = Json::object();
  for (size_t i = 0; i < kCategoryCount; ++i) {
    const std::string name(category_name(category_at(i)));
    document["categories"][name] = result.actions[i] != Action::kAllow;
    document["category_scores"][name] =
        std::round(static_cast<double>(result.scores[i]) * 1e4) / 1e4;
    if (result.actions[i] != Action::kAllow)
      document["actions"][name] = action_name(result.actions[i]);
  }
  document["spans"] = Json::array();
  for (const ModerationSpan& span : result.spans)
    document["spans"].push_back({{"begin", span.begin},
                                 {"end", span.end},
                                 {"text", text.substr(span.begin, span.end - span.begin)},
                                 {"category", category_name(span.category)},
                                 {"score", std::round(static_cast<double>(span.score) * 1e4) / 1e4},
                                 {"found", view_name(span.view)}});
  document["action"] = action_name(result.action);
  if (result.action == Action::kRewrite) document["rewritten"] = cover_spans(text, result.spans);
  return document;
}

void print_result(CommandContext& context, const std::string& text,
                  const ModerationResult& result) {
  std::string line(action_name(result.action));
  for (size_t i = 0; i < kCategoryCount; ++i) {
    if (result.actions[i] != Action::kAllow)
      line += fmt::format("  {} {:.2f}", category_name(category_at(i)), result.scores[i]);
  }
  line += "\t" + (result.action == Action::kRewrite ? cover_spans(text, result.spans) : text);
  std::string scratch;
  context.out << printable(context, line, scratch) << "\n";
  for (const ModerationSpan& span : result.spans) {
    const std::string found =
        fmt::format("  {}-{}  {}  {} {:.2f} ({})", span.begin, span.end,
                    text.substr(span.begin, span.end - span.begin), category_name(span.category),
                    span.score, view_name(span.view));
    context.out << printable(context, found, scratch) << "\n";
  }
}

void moderate(CommandContext& context, const ModerateOptions& options) {
  const Place place = place_of(options.place, "--place");
  ThreadPool pool(context.threads);
  Moderator moderator = Moderator::standard();
  if (!options.policy.empty()) moderator.set_policy(Policy::read(options.policy));
  if (!options.model.empty()) {
    if (std::filesystem::is_regular_file(options.model)) {
      moderator.add_source(
          std::make_unique<LinearClassifier>(LinearClassifier::load(options.model)));
    } else {
      Classifier classifier(options.model);
      Calibration calibration = options.calibration.empty()
                                    ? default_calibration(classifier.config().labels)
                                    : read_calibration(options.calibration);
      moderator.add_source(
          std::make_unique<EncoderScores>(std::move(classifier), std::move(calibration), pool));
    }
  }
  std::ofstream log;
  if (!options.log.empty()) {
    log.open(options.log, std::ios::app);
    if (!log) throw Error(ErrorCode::kIo, options.log, "cannot be written", "choose another --log");
  }
  for (const std::string& text : read_texts(context, options)) {
    if (context.interrupts.token().stop_requested())
      throw Error(ErrorCode::kCancelled, "moderate", "stopped");
    const ModerationResult result = moderator.check(text, place);
    if (context.json) {
      print_json(context, result_json(text, result));
    } else {
      print_result(context, text, result);
    }
    if (!options.log.empty()) {
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      log << decision_line(text, result, place,
                           std::chrono::duration_cast<std::chrono::milliseconds>(now).count(),
                           {options.log_text, {}})
          << std::flush;
      if (!log)
        throw Error(ErrorCode::kIo, options.log, "could not be written", "is the disk full?");
    }
  }
}

}  // namespace

void add_moderate_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<ModerateOptions>();
  CLI::App* command =
      app.add_subcommand("moderate", "Say what a text is guilty of, where, and what is done");
  command->add_option("text", options->texts, "A text; several are judged one by one");
  command->add_option("-f,--file", options->file, "A file, as one text")->check(CLI::ExistingFile);
  command->add_flag("--lines", options->lines, "Each line of the file or pipe is a text");
  command->add_option("-m,--model", options->model,
                      "A classifier beside the built-in ones: a folder that 'onmal finetune' "
                      "wrote, or a file of 'onmal moderate-train'");
  command
      ->add_option("--calibration", options->calibration,
                   "What its labels mean and how its scores become probabilities: JSON of "
                   "'onmal moderate-calibrate'")
      ->check(CLI::ExistingFile);
  command->add_option("--policy", options->policy, "A TOML file: actions by place and category")
      ->check(CLI::ExistingFile);
  command->add_option(
      "--place", options->place,
      "Where the text stands: training_data, user_input, retrieved_passage, answer");
  command->add_option("--log", options->log, "Add each decision to this file, a line of JSON each");
  command->add_flag("--log-text", options->log_text, "The log has the texts too, not hashes alone");
  command->callback([&context, options] { moderate(context, *options); });
  add_moderate_train_commands(app, context);
}

}  // namespace onmal

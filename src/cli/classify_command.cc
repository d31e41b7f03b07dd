#include "cli/classify_command.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "cli/input.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "models/text_pair.h"

namespace onmal {
namespace {

constexpr uint64_t kMostTextBytes = uint64_t{1} << 30;

struct ClassifyOptions {
  std::string model;
  std::vector<std::string> texts;
  std::string file;
  std::string adapter;
  std::vector<std::string> pairs;  // the second text of each --text
  bool pair_lines = false;         // of the file: both parted by a tab
};

void add_lines(const std::string& text, std::vector<std::string>& lines) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
    begin = end + 1;
  }
}

std::vector<std::string> read_texts(CommandContext& context, const ClassifyOptions& options) {
  std::vector<std::string> texts = options.texts;
  if (!options.file.empty()) add_lines(read_file(options.file, kMostTextBytes), texts);
  if (!options.texts.empty() || !options.file.empty()) return texts;
  if (context.in_is_terminal)
    throw CLI::ValidationError("classify", "give --text, --file or a pipe");
  add_lines(InputReader(context.in).read_all(context.interrupts.token()), texts);
  return texts;
}

Json tokens_json(const Classification& result, const std::vector<std::string>& labels) {
  Json tokens = Json::array();
  for (const Classification::Token& token : result.tokens) {
    tokens.push_back(
        {{"piece", token.piece}, {"label", labels[token.best]}, {"score", token.score}});
  }
  return tokens;
}

void print_json_result(CommandContext& context, const ClassifierConfig& config,
                       const std::string& text, const Classification& result) {
  Json document{{"text", text}};
  switch (config.task) {
    case ClassifyTask::kTokens:
      document["tokens"] = tokens_json(result, config.labels);
      break;
    case ClassifyTask::kRegression:
      document["value"] = result.scores[0];
      break;
    case ClassifyTask::kMultiLabel: {
      document["labels"] = Json::array();
      for (size_t i = 0; i < result.scores.size(); ++i) {
        if (result.said[i]) document["labels"].push_back(config.labels[i]);
      }
      break;
    }
    case ClassifyTask::kSingleLabel:
      document["label"] = config.labels[result.best];
  }
  if (config.task == ClassifyTask::kSingleLabel || config.task == ClassifyTask::kMultiLabel) {
    Json probabilities = Json::object();
    for (size_t i = 0; i < result.scores.size(); ++i)
      probabilities[config.labels[i]] = result.scores[i];
    document["probabilities"] = probabilities;
  }
  if (result.dropped > 0) document["dropped_tokens"] = result.dropped;
  print_json(context, document);
}

void print_text_result(CommandContext& context, const ClassifierConfig& config,
                       const std::string& text, const Classification& result) {
  std::string scratch;
  std::string answer;
  const auto add = [&](const std::string& label, float score) {
    answer += fmt::format("{}{} {:.4f}", answer.empty() ? "" : "  ", label, score);
  };
  switch (config.task) {
    case ClassifyTask::kTokens:
      for (const Classification::Token& token : result.tokens)
        answer += fmt::format("{}{}/{}", answer.empty() ? "" : " ", token.piece,
                              config.labels[token.best]);
      break;
    case ClassifyTask::kRegression:
      answer = fmt::format("{:.4f}", result.scores[0]);
      break;
    case ClassifyTask::kMultiLabel:
      for (size_t i = 0; i < result.scores.size(); ++i) {
        if (result.said[i]) add(config.labels[i], result.scores[i]);
      }
      if (answer.empty()) answer = "-";
      break;
    case ClassifyTask::kSingleLabel:
      add(config.labels[result.best], result.scores[result.best]);
  }
  answer += "\t" + text;
  context.out << printable(context, answer, scratch) << "\n";
}

std::vector<std::pair<std::string, std::string>> pair_up(const std::vector<std::string>& texts,
                                                         const ClassifyOptions& options) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (!options.pair_lines) {
    if (options.pairs.size() != texts.size())
      throw CLI::ValidationError("classify", "give a --pair for each --text");
    for (size_t i = 0; i < texts.size(); ++i) pairs.emplace_back(texts[i], options.pairs[i]);
    return pairs;
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t tab = texts[i].find('\t');
    if (tab == std::string::npos) {
      throw Error(ErrorCode::kBadFile, "line " + std::to_string(i + 1), "has no second text",
                  "with --pairs each line is two texts parted by a tab");
    }
    pairs.emplace_back(texts[i].substr(0, tab), texts[i].substr(tab + 1));
  }
  return pairs;
}

void classify(CommandContext& context, const ClassifyOptions& options) {
  const Classifier classifier = options.adapter.empty()
                                    ? Classifier(options.model)
                                    : Classifier::with_adapter(options.model, options.adapter);
  const std::vector<std::string> texts = read_texts(context, options);
  ThreadPool pool(context.threads);
  const bool paired = options.pair_lines || !options.pairs.empty();
  const std::vector<Classification> results =
      paired ? classify_pairs(classifier, pool, pair_up(texts, options), context.interrupts.token())
             : classifier.classify(pool, texts, context.interrupts.token());
  for (size_t i = 0; i < texts.size(); ++i) {
    if (context.json) {
      print_json_result(context, classifier.config(), texts[i], results[i]);
    } else {
      print_text_result(context, classifier.config(), texts[i], results[i]);
    }
    if (results[i].dropped > 0)
      context.err << fmt::format("text {}: {} tokens were cut\n", i + 1, results[i].dropped);
  }
}

}  // namespace

void add_classify_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<ClassifyOptions>();
  CLI::App* command = app.add_subcommand("classify", "Sort texts by a model tuned for it");
  command
      ->add_option("-m,--model", options->model,
                   "A folder with a head that classifies, as 'onmal finetune' writes it")
      ->required();
  command
      ->add_option("--adapter", options->adapter,
                   "An adapter with a head, as 'onmal finetune --task classification --adapter' "
                   "writes it, upon --model as its base")
      ->check(CLI::ExistingDirectory);
  command->add_option("--text", options->texts, "A text (may be given several times)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command->add_option("-f,--file", options->file, "A file with a text a line");
  command->add_option("--pair", options->pairs, "The second text of a pair, one for each --text")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command->add_flag("--pairs", options->pair_lines,
                    "Each line of the file or pipe is a pair, parted by a tab");
  command->callback([&context, options] { classify(context, *options); });
}

}  // namespace onmal

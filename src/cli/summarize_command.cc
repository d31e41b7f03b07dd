#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "answer/summarize.h"
#include "cli/text_task.h"
#include "cli/text_task_commands.h"
#include "text/utf8.h"

namespace onmal {
namespace {

struct SummarizeCommandOptions {
  TextTaskOptions common;
  SummarizeOptions how;
  std::string length = "medium";
  bool extractive = false;
};

// Sentences of the text itself, with their places.
void extract(CommandContext& context, const std::string& text, const SummaryLength& length) {
  const std::vector<ExtractedSentence> chosen = extract_sentences(text, length);
  std::string joined;
  Json sentences = Json::array();
  for (const ExtractedSentence& sentence : chosen) {
    const std::string words(sentence.span.in(text));
    joined += (joined.empty() ? "" : "\n") + words;
    const size_t first = count_characters(std::string_view(text).substr(0, sentence.span.begin));
    sentences.push_back({{"start", sentence.span.begin},
                         {"end", sentence.span.end},
                         {"start_character", first},
                         {"end_character", first + count_characters(words)},
                         {"score", sentence.score},
                         {"text", words}});
  }
  if (context.json) {
    print_json(context, {{"result", joined},
                         {"method", "extractive"},
                         {"sentences", sentences},
                         {"model", nullptr}});
    return;
  }
  std::string scratch;
  context.out << printable(context, joined, scratch) << std::endl;
  context.err << fmt::format("{} sentences of the text itself, by LexRank; no model\n",
                             chosen.size());
}

void run_summarize(CommandContext& context, SummarizeCommandOptions& options) {
  options.how.length = parse_summary_length(options.length);
  const std::string text = read_task_text(context, options.common);
  require_text(text, "summarize");
  if (options.extractive || options.common.talk.model.empty())
    return extract(context, text, options.how.length);
  ThreadPool pool(context.threads);
  const std::unique_ptr<TaskModel> model = open_task_model(context, pool, options.common);
  options.how.prefix = options.common.prefix;
  const Summary result = summarize_text(
      *model, text, options.how,
      [&](size_t done, size_t parts) { show_task_progress(context, done, parts, "parts"); },
      context.interrupts.token());
  if (context.json) {
    print_json(context, {{"result", result.text},
                         {"method", "abstractive"},
                         {"parts", result.parts},
                         {"rounds", result.rounds},
                         {"finished", result.finished},
                         {"model", model_json(model->name())}});
    return;
  }
  std::string scratch;
  context.out << printable(context, result.text, scratch) << std::endl;
  context.err << fmt::format("{}: {} parts, {} rounds{}\n", model_line(model->name()), result.parts,
                             result.rounds, result.finished ? "" : "; the summary was cut off");
}

}  // namespace

void add_summarize_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<SummarizeCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "summarize", "Summarise a text, by a model or (without one) by its own sentences");
  add_text_task_options(*command, options->common, false);
  command
      ->add_option("--length", options->length,
                   "short, medium, long, a number of sentences (5) or characters (300c)")
      ->capture_default_str();
  command->add_flag("--extractive", options->extractive,
                    "Choose sentences of the text, also where there is a model");
  command
      ->add_option("--part-tokens", options->how.part_tokens,
                   "Most tokens summarised at a time; 0: what fits the context")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  command->callback([&context, options] { run_summarize(context, *options); });
}

}  // namespace onmal

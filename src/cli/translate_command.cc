#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>

#include "answer/translate.h"
#include "cli/text_task.h"
#include "cli/text_task_commands.h"

namespace onmal {
namespace {

struct TranslateCommandOptions {
  TextTaskOptions common;
  TranslateOptions how;
  bool lines = false;
};

void print_json_translation(CommandContext& context, const Translation& result,
                            const ModelName& name) {
  Json lost = Json::array();
  for (const Translation::Loss& loss : result.lost) {
    lost.push_back({{"kind", fixed_part_name(loss.part.kind)},
                    {"text", loss.part.text},
                    {"part", loss.where}});
  }
  print_json(context, {{"result", result.text},
                       {"from", result.from},
                       {"to", result.to},
                       {"parts", result.parts},
                       {"unfinished", result.unfinished},
                       {"lost", lost},
                       {"model", model_json(name)}});
}

void print_translation(CommandContext& context, const Translation& result, const ModelName& name) {
  std::string scratch;
  context.out << printable(context, result.text, scratch) << std::endl;
  context.err << fmt::format("{}: {} to {}, {} parts\n", model_line(name),
                             language_name(result.from), language_name(result.to), result.parts);
  for (const Translation::Loss& loss : result.lost) {
    context.err << fmt::format("warning: the {} '{}' is not in the translation of part {}\n",
                               fixed_part_name(loss.part.kind), loss.part.text, loss.where + 1);
  }
  if (result.unfinished > 0)
    context.err << fmt::format("warning: {} parts were cut off\n", result.unfinished);
}

// Each line for itself: a line of output (or of JSON) for every line of input.
void translate_lines(CommandContext& context, TaskModel& model, const TranslateOptions& how,
                     std::string_view text) {
  const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (size_t done = 0; done < lines; ++done) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    Translation result;
    if (line.find_first_not_of(" \t\r") != std::string::npos)
      result = translate_text(
          model, line, how, [](size_t, size_t) {}, context.interrupts.token());
    std::replace(result.text.begin(), result.text.end(), '\n', ' ');
    if (context.json) {
      print_json_translation(context, result, model.name());
    } else {
      std::string scratch;
      context.out << printable(context, result.text, scratch) << std::endl;
    }
    show_task_progress(context, done + 1, lines, "lines");
  }
}

void run_translate(CommandContext& context, TranslateCommandOptions& options) {
  const std::string text = read_task_text(context, options.common);
  require_text(text, "translate");
  ThreadPool pool(context.threads);
  const std::unique_ptr<TaskModel> model = open_task_model(context, pool, options.common);
  options.how.prefix = options.common.prefix;
  options.how.max_tokens = options.common.talk.generate.max_tokens;
  if (options.lines) return translate_lines(context, *model, options.how, text);
  const Translation result = translate_text(
      *model, text, options.how,
      [&](size_t done, size_t parts) { show_task_progress(context, done, parts, "parts"); },
      context.interrupts.token());
  if (context.json) return print_json_translation(context, result, model->name());
  print_translation(context, result, model->name());
}

}  // namespace

void add_translate_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<TranslateCommandOptions>();
  CLI::App* command = app.add_subcommand("translate", "Translate a text");
  add_text_task_options(*command, options->common);
  command->add_option("--from", options->how.from,
                      "Language of the text: ko, en, or an English name (default: by its letters)");
  command->add_option("--to", options->how.to,
                      "Language wanted (default: en for Korean, ko for all else)");
  command->add_flag("--lines", options->lines,
                    "Each line is a text of its own (without: lines are joined to paragraphs)");
  command->callback([&context, options] { run_translate(context, *options); });
}

}  // namespace onmal

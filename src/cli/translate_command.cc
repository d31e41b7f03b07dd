#include <fmt/format.h>

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
};

void run_translate(CommandContext& context, TranslateCommandOptions& options) {
  const std::string text = read_task_text(context, options.common);
  require_text(text, "translate");
  ThreadPool pool(context.threads);
  const std::unique_ptr<TaskModel> model = open_task_model(context, pool, options.common);
  options.how.prefix = options.common.prefix;
  options.how.max_tokens = options.common.talk.generate.max_tokens;
  const Translation result = translate_text(
      *model, text, options.how,
      [&](size_t done, size_t parts) { show_task_progress(context, done, parts, "parts"); },
      context.interrupts.token());
  if (context.json) {
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
                         {"model", model_json(model->name())}});
    return;
  }
  std::string scratch;
  context.out << printable(context, result.text, scratch) << std::endl;
  context.err << fmt::format("{}: {} to {}, {} parts\n", model_line(model->name()),
                             language_name(result.from), language_name(result.to), result.parts);
  for (const Translation::Loss& loss : result.lost) {
    context.err << fmt::format("warning: the {} '{}' is not in the translation of part {}\n",
                               fixed_part_name(loss.part.kind), loss.part.text, loss.where + 1);
  }
  if (result.unfinished > 0)
    context.err << fmt::format("warning: {} parts were cut off\n", result.unfinished);
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
  command->callback([&context, options] { run_translate(context, *options); });
}

}  // namespace onmal

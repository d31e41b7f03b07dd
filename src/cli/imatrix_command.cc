#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/timer.h"
#include "cli/input.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "cli/quantize_command.h"
#include "quantize/collect_importance.h"

namespace onmal {
namespace {

struct Options {
  std::string model;
  std::string file;
  std::string output;
  CollectOptions collect;
};

void imatrix(CommandContext& context, const Options& options) {
  const LanguageModel model = load_talking_model(options.model);
  const std::vector<int32_t> ids = model.tokenizer->encode(read_file(options.file));
  CollectOptions collect = options.collect;
  collect.dataset = std::filesystem::path(options.file).filename().string();
  ThreadPool pool(context.threads);
  const Timer timer;
  const auto progress = [&](int64_t done) {
    if (!context.err_is_terminal) return;
    const double left =
        timer.seconds() * (static_cast<double>(ids.size()) / static_cast<double>(done) - 1);
    context.err << fmt::format("\r{} of {} tokens, {:.0f} s left   ", done, ids.size(), left)
                << std::flush;
  };
  const ImportanceMatrix matrix =
      collect_importance(model, ids, collect, pool, progress, context.interrupts.token());
  if (context.err_is_terminal) context.err << "\n";
  write_importance(options.output, matrix);
  if (context.json) {
    print_json(context, {{"output", options.output},
                         {"entries", matrix.entries.size()},
                         {"chunks", matrix.chunks},
                         {"chunk_tokens", matrix.chunk_tokens},
                         {"tokens", ids.size()}});
  } else {
    context.out << fmt::format("{}: {} matrices, {} chunks of {} tokens\n", options.output,
                               matrix.entries.size(), matrix.chunks, matrix.chunk_tokens);
  }
}

}  // namespace

void add_imatrix_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("imatrix", "Measure on a text which weights matter, for 'quantize'");
  add_model_option(*command, options->model);
  command->add_option("-f,--file", options->file, "A text like those the model will see")
      ->required();
  command->add_option("-o,--output", options->output, "NAME.gguf")->required();
  command->add_option("--chunk", options->collect.chunk_tokens, "Tokens the model sees at once")
      ->capture_default_str()
      ->check(CLI::Range(2, 1 << 20));
  command->add_option("--chunks", options->collect.most_chunks, "Most chunks; 0: the whole text")
      ->check(CLI::Range(0, 1 << 30));
  command->callback([&context, options] { imatrix(context, *options); });
}

}  // namespace onmal

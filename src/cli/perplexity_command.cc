#include "cli/perplexity_command.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>

#include "base/file.h"
#include "base/timer.h"
#include "cli/input.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "infer/score.h"

namespace onmal {
namespace {

struct PerplexityOptions {
  std::string model;
  std::string file;
  ScoreOptions score;
};

std::string read_text(CommandContext& context, const PerplexityOptions& options) {
  if (!options.file.empty()) return read_file(options.file);
  if (context.in_is_terminal) {
    throw CLI::ValidationError("perplexity", "give a text with --file or through a pipe");
  }
  return InputReader(context.in).read_all(context.interrupts.token());
}

void perplexity(CommandContext& context, const PerplexityOptions& options) {
  const std::string text = read_text(context, options);
  const LanguageModel model = load_talking_model(options.model);
  const Tokenizer& tokenizer = *model.tokenizer;
  std::vector<int32_t> ids = tokenizer.encode(text);
  // With a begin token the first token of the text is foretold too; else it only serves as context.
  if (tokenizer.begin_id() >= 0) ids.insert(ids.begin(), tokenizer.begin_id());
  int64_t bytes = 0;
  for (size_t i = 1; i < ids.size(); ++i) {
    bytes += static_cast<int64_t>(tokenizer.piece(ids[i]).size());
  }
  ThreadPool pool(context.threads);
  const Timer timer;
  const auto progress = [&](int64_t done) {
    if (!context.err_is_terminal) return;
    const double left =
        timer.seconds() * (static_cast<double>(ids.size()) / static_cast<double>(done) - 1);
    context.err << fmt::format("\r{} of {} tokens, {:.0f} s left   ", done, ids.size() - 1, left)
                << std::flush;
  };
  const Score score =
      score_tokens(model, pool, ids, options.score, progress, context.interrupts.token());
  if (context.err_is_terminal) context.err << "\n";
  if (context.json) {
    print_json(context, {{"perplexity", score.perplexity()},
                         {"bits_per_byte", score.bits_per_byte(bytes)},
                         {"tokens", score.tokens},
                         {"bytes", bytes},
                         {"tokens_per_s", static_cast<double>(score.tokens) / timer.seconds()}});
  } else {
    context.out << fmt::format("perplexity {:.4f}, {:.4f} bits per byte, {} tokens, {} bytes\n",
                               score.perplexity(), score.bits_per_byte(bytes), score.tokens, bytes);
  }
}

}  // namespace

void add_perplexity_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<PerplexityOptions>();
  CLI::App* command = app.add_subcommand("perplexity", "How well a model foretells a text");
  add_model_option(*command, options->model);
  add_matmul_option(*command, options->score.matmul);
  command->add_option("-f,--file", options->file, "The text; without it, standard input");
  command->add_option("--window", options->score.window,
                      "Tokens seen at once; 0: the model's context, at most 2048");
  command->add_option("--stride", options->score.stride,
                      "Tokens scored per window; 0: half the window");
  command->callback([&context, options] { perplexity(context, *options); });
}

}  // namespace onmal

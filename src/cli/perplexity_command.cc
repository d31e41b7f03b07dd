#include "cli/perplexity_command.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/timer.h"
#include "cli/input.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "infer/divergence.h"

namespace onmal {
namespace {

struct PerplexityOptions {
  std::vector<std::string> adapters;
  std::string model;
  std::string file;
  std::string base;
  ScoreOptions score;
};

std::string read_text(CommandContext& context, const PerplexityOptions& options) {
  if (!options.file.empty()) return read_file(options.file);
  if (context.in_is_terminal) {
    throw CLI::ValidationError("perplexity", "give a text with --file or through a pipe");
  }
  return InputReader(context.in).read_all(context.interrupts.token());
}

// With a begin token the first token of the text is foretold too; else it only serves as context.
std::vector<int32_t> encode(const Tokenizer& tokenizer, const std::string& text) {
  std::vector<int32_t> ids = tokenizer.encode(text);
  if (tokenizer.begin_id() >= 0) ids.insert(ids.begin(), tokenizer.begin_id());
  return ids;
}

// For chunks: as the model wants texts to begin, and each chunk so, in the place of its own first
// token, which no chunk scores.
std::vector<int32_t> encode_chunks(const Tokenizer& tokenizer, const std::string& text,
                                   int64_t chunk) {
  EncodeOptions around;
  around.add_special = true;
  const std::vector<int32_t> empty = tokenizer.encode("", around);
  std::vector<int32_t> ids = tokenizer.encode(text);
  const int32_t begin = tokenizer.begin_id();
  if (begin < 0 || empty.empty() || empty.front() != begin) return ids;
  ids.insert(ids.begin(), begin);
  for (size_t i = 0; i < ids.size(); i += static_cast<size_t>(chunk)) ids[i] = begin;
  return ids;
}

int64_t scored_bytes(const LanguageModel& model, std::span<const int32_t> ids,
                     const ScoreOptions& options) {
  int64_t bytes = 0;
  const auto count = [&](int64_t, int64_t from, int64_t end) {
    for (int64_t i = from; i < end; ++i) {
      bytes += static_cast<int64_t>(model.tokenizer->piece(ids[static_cast<size_t>(i + 1)]).size());
    }
  };
  for_each_window(static_cast<int64_t>(ids.size()), model.decoder->config().max_positions, options,
                  count);
  return bytes;
}

void print(CommandContext& context, const Score& score, const std::optional<Divergence>& divergence,
           int64_t bytes, double seconds) {
  if (context.json) {
    Json document{{"perplexity", score.perplexity()},
                  {"bits_per_byte", score.bits_per_byte(bytes)},
                  {"tokens", score.tokens},
                  {"bytes", bytes},
                  {"tokens_per_s", static_cast<double>(score.tokens) / seconds}};
    if (divergence) {
      document["base_perplexity"] = divergence->base.perplexity();
      document["kl_divergence"] = divergence->mean;
      document["kl_divergence_p99"] = divergence->p99;
      document["kl_divergence_max"] = divergence->largest;
      document["top1_agreement"] = divergence->top1_agreement;
    }
    print_json(context, document);
    return;
  }
  context.out << fmt::format("perplexity {:.4f}, {:.4f} bits per byte, {} tokens, {} bytes\n",
                             score.perplexity(), score.bits_per_byte(bytes), score.tokens, bytes);
  if (!divergence) return;
  context.out << fmt::format(
      "base perplexity {:.4f}, KL divergence {:.5f} nats a token (99 % below {:.4f}), same "
      "likeliest "
      "token {:.2f} %\n",
      divergence->base.perplexity(), divergence->mean, divergence->p99,
      100 * divergence->top1_agreement);
}

void perplexity(CommandContext& context, const PerplexityOptions& options) {
  const std::string text = read_text(context, options);
  LanguageModel model = load_talking_model(options.model);
  attach_adapters(model, options.adapters);
  const std::vector<int32_t> ids = options.score.chunk > 0
                                       ? encode_chunks(*model.tokenizer, text, options.score.chunk)
                                       : encode(*model.tokenizer, text);
  const int64_t bytes = scored_bytes(model, ids, options.score);
  ThreadPool pool(context.threads);
  const Timer timer;
  const auto progress = [&](int64_t done) {
    if (!context.err_is_terminal) return;
    const double left =
        timer.seconds() * (static_cast<double>(ids.size()) / static_cast<double>(done) - 1);
    context.err << fmt::format("\r{} of {} tokens, {:.0f} s left   ", done, ids.size() - 1, left)
                << std::flush;
  };
  const std::stop_token stop = context.interrupts.token();
  std::optional<Divergence> divergence;
  Score score;
  if (options.base.empty()) {
    score = score_tokens(model, pool, ids, options.score, progress, stop);
  } else {
    const LanguageModel base = load_language_model(options.base);
    divergence = compare_models(model, base, pool, ids, options.score, progress, stop);
    score = divergence->model;
  }
  if (context.err_is_terminal) context.err << "\n";
  print(context, score, divergence, bytes, timer.seconds());
}

}  // namespace

void add_perplexity_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<PerplexityOptions>();
  CLI::App* command = app.add_subcommand("perplexity", "How well a model foretells a text");
  add_model_option(*command, options->model);
  add_adapter_option(*command, options->adapters);
  add_matmul_option(*command, options->score.matmul);
  command->add_option("-f,--file", options->file, "The text; without it, standard input");
  command->add_option("--kl-base", options->base,
                      "A model of the same vocabulary to measure the divergence from");
  command->add_option("--window", options->score.window,
                      "Tokens seen at once; 0: the model's context, at most 2048");
  command->add_option("--stride", options->score.stride,
                      "Tokens scored per window; 0: half the window");
  command
      ->add_option(
          "--chunk", options->score.chunk,
          "Score the second halves of chunks of so many tokens, as llama-perplexity -c does")
      ->excludes("--window")
      ->excludes("--stride");
  command->callback([&context, options] { perplexity(context, *options); });
}

}  // namespace onmal

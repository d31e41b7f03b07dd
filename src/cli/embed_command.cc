#include "cli/embed_command.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "cli/input.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "models/model_file.h"
#include "models/text_encoder.h"

namespace onmal {
namespace {

constexpr uint64_t kMostFileBytes = uint64_t{1} << 30;

struct EmbedCommandOptions {
  std::string model;
  std::vector<std::string> texts;
  std::string file;
  std::vector<int32_t> tokens;
  std::optional<Pooling> pooling;
  bool no_normalize = false;
  bool truncate = false;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
    begin = end + 1;
  }
  return lines;
}

// The texts of --text and --file, else those of standard input.
std::vector<std::string> read_texts(CommandContext& context, const EmbedCommandOptions& options) {
  std::vector<std::string> texts = options.texts;
  if (!options.file.empty()) {
    for (std::string& line : lines_of(read_file(options.file, kMostFileBytes)))
      texts.push_back(std::move(line));
  }
  if (!options.texts.empty() || !options.file.empty()) return texts;
  if (context.in_is_terminal)
    throw CLI::ValidationError("embed", "give --text, --file, --tokens or a pipe");
  return lines_of(InputReader(context.in).read_all(context.interrupts.token()));
}

std::vector<std::vector<int32_t>> read_ids(CommandContext& context,
                                           const EmbedCommandOptions& options,
                                           const TextEncoder& encoder) {
  if (!options.tokens.empty()) {
    if (!options.texts.empty() || !options.file.empty())
      throw CLI::ValidationError("embed", "--tokens goes with neither --text nor --file");
    return {options.tokens};
  }
  require_tokenizer(encoder.tokenizer(), encoder.tokenizer_problem(), options.model,
                    "give token ids with --tokens");
  std::vector<std::vector<int32_t>> ids;
  for (const std::string& text : read_texts(context, options))
    ids.push_back(encoder.tokenizer()->encode(text, {.add_special = true}));
  return ids;
}

void print_values(CommandContext& context, const float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    context.out << fmt::format("{}{:.7g}", i > 0 ? " " : "", values[i]);
  context.out << "\n";
}

// --pooling none: the hidden states themselves, a row a token.
void print_hidden_states(CommandContext& context, const TextEncoder& encoder, ThreadPool& pool,
                         const std::vector<std::vector<int32_t>>& texts) {
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  for (const std::vector<int32_t>& ids : texts) {
    const Tensor hidden = encoder.hidden_states(exec, ids);
    const int64_t dim = hidden.dim(1);
    Json rows = Json::array();
    for (int64_t t = 0; t < hidden.dim(0); ++t) {
      const float* row = hidden.f32() + t * dim;
      if (context.json) {
        rows.push_back(std::vector<float>(row, row + dim));
      } else {
        print_values(context, row, dim);
      }
    }
    if (context.json)
      print_json(context, {{"hidden_states", rows}, {"dimensions", dim}, {"tokens", ids.size()}});
  }
}

void print_vector(CommandContext& context, const TextVector& vector, Pooling pooling) {
  if (!context.json) {
    print_values(context, vector.values.data(), static_cast<int64_t>(vector.values.size()));
    return;
  }
  Json document{{"embedding", vector.values},
                {"dimensions", vector.values.size()},
                {"tokens", vector.tokens},
                {"pooling", pooling_name(pooling)}};
  if (vector.dropped > 0) document["dropped_tokens"] = vector.dropped;
  print_json(context, document);
}

void embed(CommandContext& context, const EmbedCommandOptions& options) {
  const TextEncoder encoder(options.model);
  const std::vector<std::vector<int32_t>> ids = read_ids(context, options, encoder);
  ThreadPool pool(context.threads);
  if (options.pooling == Pooling::kNone) return print_hidden_states(context, encoder, pool, ids);
  const EmbedOptions how{options.pooling, !options.no_normalize, options.truncate};
  const std::vector<TextVector> vectors = encoder.embed(pool, ids, how, context.interrupts.token());
  for (size_t i = 0; i < vectors.size(); ++i) {
    print_vector(context, vectors[i], options.pooling.value_or(encoder.pooling()));
    if (vectors[i].dropped > 0) {
      context.err << fmt::format("text {}: {} of {} tokens were cut\n", i + 1, vectors[i].dropped,
                                 ids[i].size());
    }
  }
}

}  // namespace

void add_embed_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<EmbedCommandOptions>();
  CLI::App* command = app.add_subcommand("embed", "Turn texts into vectors");
  add_model_option(*command, options->model);
  command->add_option("--text", options->texts, "A text (may be given several times)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command->add_option("-f,--file", options->file, "A file with a text a line");
  command->add_option("--tokens", options->tokens, "1,2,3: token ids instead of a text")
      ->delimiter(',');
  const std::map<std::string, Pooling> names = {{"mean", Pooling::kMean},
                                                {"cls", Pooling::kCls},
                                                {"last", Pooling::kLast},
                                                {"none", Pooling::kNone}};
  command
      ->add_option(
          "--pooling", options->pooling,
          "How hidden states become one vector, instead of the file's own way; none: print "
          "them all")
      ->transform(
          CLI::CheckedTransformer(names, CLI::ignore_case).description("{mean,cls,last,none}"));
  command->add_flag("--no-normalize", options->no_normalize, "Do not scale vectors to length 1");
  command->add_flag("--truncate", options->truncate, "Cut texts that exceed the model's context");
  command->callback([&context, options] { embed(context, *options); });
}

}  // namespace onmal

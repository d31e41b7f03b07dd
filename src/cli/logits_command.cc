#include "cli/logits_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <numeric>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "models/encoder_decoder_model.h"

namespace onmal {
namespace {

static_assert(std::endian::native == std::endian::little, "-o writes little-endian numbers");

constexpr int64_t kRowsAtOnce = 64;
constexpr size_t kTop = 5;

struct LogitsOptions {
  std::vector<std::string> adapters;
  MatmulPrecision matmul = MatmulPrecision::kF32;
  std::string model;
  std::vector<int32_t> tokens;
  std::vector<int32_t> source;  // of an encoder-decoder
  std::string output;
};

struct Ranked {
  int64_t id;
  float logit;
};

std::vector<Ranked> largest(std::span<const float> logits) {
  std::vector<Ranked> ranked(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) ranked[i] = {static_cast<int64_t>(i), logits[i]};
  const size_t count = std::min(kTop, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
                    ranked.end(), [](const Ranked& a, const Ranked& b) {
                      return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
                    });
  ranked.resize(count);
  return ranked;
}

struct LogitsSummary {
  std::vector<std::vector<Ranked>> top;  // of each row
  int64_t vocab_size = 0;
};

Tensor ids_tensor(std::vector<int32_t>& ids) {
  return Tensor::borrowed(ids.data(), Shape{1, static_cast<int64_t>(ids.size())}, DType::kI32);
}

// All rows' logits of these hidden states [rows, dim], never more than kRowsAtOnce of them in
// memory.
template <typename Model>
LogitsSummary summarize(Exec& exec, const Model& model, const Tensor& hidden, int64_t vocab_size,
                        AtomicFile* file, const std::stop_token& stop) {
  const int64_t count = hidden.dim(0);
  LogitsSummary summary;
  summary.vocab_size = vocab_size;
  const auto vocabulary = static_cast<size_t>(summary.vocab_size);
  for (int64_t begin = 0; begin < count; begin += kRowsAtOnce) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "logits", "stopped");
    const int64_t end = std::min(count, begin + kRowsAtOnce);
    const Tensor logits = model.logits(exec, hidden.slice(begin, end));
    for (int64_t row = 0; row < end - begin; ++row) {
      const std::span<const float> values(logits.f32() + row * summary.vocab_size, vocabulary);
      summary.top.push_back(largest(values));
      if (file != nullptr) file->write(std::as_bytes(values));
    }
  }
  return summary;
}

LogitsSummary compute_pair(Exec& exec, LogitsOptions& options, AtomicFile* file,
                           const std::stop_token& stop) {
  if (options.source.empty())
    throw CLI::ValidationError("logits", "an encoder-decoder needs --source too");
  const EncoderDecoderModel model = load_encoder_decoder(options.model);
  const EncoderDecoder& network = *model.network;
  EncoderInput input;
  input.ids = ids_tensor(options.source);
  const Tensor hidden =
      network.decode(exec, ids_tensor(options.tokens), network.encode(exec, input));
  return summarize(exec, network, hidden.reshaped(Shape{hidden.dim(1), hidden.dim(2)}),
                   network.config().decoder.vocab_size, file, stop);
}

LogitsSummary compute(Exec& exec, LogitsOptions& options, AtomicFile* file,
                      const std::stop_token& stop) {
  const ModelKind kind = open_model_file(options.model).kind();
  if (kind == ModelKind::kEncoderDecoder) return compute_pair(exec, options, file, stop);
  if (kind == ModelKind::kEncoder) {
    throw Error(ErrorCode::kUnsupported, options.model, "an encoder has hidden states, no logits",
                "'onmal embed --pooling none' prints them");
  }
  if (!options.source.empty())
    throw CLI::ValidationError("logits", "--source is for encoder-decoders");
  LanguageModel model = load_language_model(options.model);
  attach_adapters(model, options.adapters);
  const Decoder& decoder = *model.decoder;
  const Tensor hidden = decoder.forward(exec, {ids_tensor(options.tokens), {}, nullptr});
  return summarize(exec, decoder, hidden.reshaped(Shape{hidden.dim(1), hidden.dim(2)}),
                   decoder.config().vocab_size, file, stop);
}

void print(CommandContext& context, const LogitsOptions& options, const LogitsSummary& summary) {
  if (context.json) {
    Json argmax = Json::array();
    Json top5 = Json::array();
    for (const std::vector<Ranked>& row : summary.top) {
      argmax.push_back(row[0].id);
      Json ranked = Json::array();
      for (const Ranked& entry : row) ranked.push_back(Json::array({entry.id, entry.logit}));
      top5.push_back(ranked);
    }
    Json document{
        {"shape", {summary.top.size(), summary.vocab_size}}, {"argmax", argmax}, {"top5", top5}};
    if (!options.output.empty()) document["output"] = options.output;
    print_json(context, document);
    return;
  }
  for (size_t row = 0; row < summary.top.size(); ++row) {
    context.out << fmt::format("{:>5}  token {:>7}  then", row, options.tokens[row]);
    for (const Ranked& entry : summary.top[row]) {
      context.out << fmt::format("  {} ({:.4f})", entry.id, entry.logit);
    }
    context.out << "\n";
  }
}

void logits(CommandContext& context, LogitsOptions& options) {
  ThreadPool pool(context.threads);
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  exec.matmul_precision = options.matmul;
  std::optional<AtomicFile> file;
  if (!options.output.empty()) file.emplace(options.output);
  const LogitsSummary summary =
      compute(exec, options, file ? &*file : nullptr, context.interrupts.token());
  if (file) file->commit();
  print(context, options, summary);
}

}  // namespace

void add_logits_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<LogitsOptions>();
  CLI::App* command = app.add_subcommand("logits", "Logits of every position of some tokens");
  add_model_option(*command, options->model);
  add_adapter_option(*command, options->adapters);
  add_matmul_option(*command, options->matmul);
  command->add_option("--tokens", options->tokens, "1,2,3")->required()->delimiter(',');
  command
      ->add_option("--source", options->source,
                   "Encoder-decoders: the tokens that the encoder reads")
      ->delimiter(',');
  command->add_option("-o,--output", options->output,
                      "Write them here: float32, little endian, a row a token");
  command->callback([&context, options] { logits(context, *options); });
}

}  // namespace onmal

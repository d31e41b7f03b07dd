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

namespace onmal {
namespace {

static_assert(std::endian::native == std::endian::little, "-o writes little-endian numbers");

constexpr int64_t kRowsAtOnce = 64;
constexpr size_t kTop = 5;

struct LogitsOptions {
  MatmulPrecision matmul = MatmulPrecision::kF32;
  std::string model;
  std::vector<int32_t> tokens;
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

// All rows' logits, never more than kRowsAtOnce of them in memory.
LogitsSummary compute(const LanguageModel& model, ThreadPool& pool, LogitsOptions& options,
                      AtomicFile* file, const std::stop_token& stop) {
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  exec.matmul_precision = options.matmul;
  const auto count = static_cast<int64_t>(options.tokens.size());
  const Tensor ids = Tensor::borrowed(options.tokens.data(), Shape{1, count}, DType::kI32);
  const Decoder& decoder = *model.decoder;
  const Tensor hidden =
      decoder.forward(exec, {ids, {}, nullptr}).reshaped(Shape{count, decoder.config().dim});
  LogitsSummary summary;
  summary.vocab_size = decoder.config().vocab_size;
  const auto vocabulary = static_cast<size_t>(summary.vocab_size);
  for (int64_t begin = 0; begin < count; begin += kRowsAtOnce) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "logits", "stopped");
    const int64_t end = std::min(count, begin + kRowsAtOnce);
    const Tensor logits = decoder.logits(exec, hidden.slice(begin, end));
    for (int64_t row = 0; row < end - begin; ++row) {
      const std::span<const float> values(logits.f32() + row * summary.vocab_size, vocabulary);
      summary.top.push_back(largest(values));
      if (file != nullptr) file->write(std::as_bytes(values));
    }
  }
  return summary;
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
  const LanguageModel model = load_language_model(options.model);
  ThreadPool pool(context.threads);
  std::optional<AtomicFile> file;
  if (!options.output.empty()) file.emplace(options.output);
  const LogitsSummary summary =
      compute(model, pool, options, file ? &*file : nullptr, context.interrupts.token());
  if (file) file->commit();
  print(context, options, summary);
}

}  // namespace

void add_logits_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<LogitsOptions>();
  CLI::App* command = app.add_subcommand("logits", "Logits of every position of some tokens");
  add_model_option(*command, options->model);
  add_matmul_option(*command, options->matmul);
  command->add_option("--tokens", options->tokens, "1,2,3")->required()->delimiter(',');
  command->add_option("-o,--output", options->output,
                      "Write them here: float32, little endian, a row a token");
  command->callback([&context, options] { logits(context, *options); });
}

}  // namespace onmal

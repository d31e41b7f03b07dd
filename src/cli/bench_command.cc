#include "cli/bench_command.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "base/timer.h"
#include "cli/json_output.h"
#include "cli/model_options.h"
#include "cli/random_model.h"

namespace onmal {
namespace {

struct BenchOptions {
  std::string model, shape;
  std::string type = "q8_0";
  int64_t prompt_tokens = 512;
  int64_t tokens = 64;
  int64_t depth = 0;
  int64_t repeats = 3;
  MatmulPrecision matmul = MatmulPrecision::kInt8;
  DType cache_type = DType::kF16;
  bool repack = true;
  Isa isa = detect_isa();
};

struct BenchResult {
  double prefill_tokens_per_s;
  double decode_tokens_per_s;
  double read_bytes_per_s;
  int64_t weight_bytes;  // that one decoded token reads
  uint64_t peak_rss_bytes;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Every weight is read once a token, but for the input embedding's table when there is another
// head.
int64_t bytes_read_per_token(Decoder& decoder) {
  int64_t bytes = 0;
  decoder.visit([&](Param& param) {
    const bool looked_up = param.name == "position_embedding.weight" ||
                           (param.name == "embedding.weight" && !decoder.config().tied_head);
    if (!looked_up) bytes += param.value.bytes();
  });
  return bytes;
}

// Bytes a second that the pool's threads together read from memory, over the model's own weights.
double read_bandwidth(Decoder& decoder, ThreadPool& pool) {
  constexpr int64_t kBlock = int64_t{1} << 18;
  constexpr int kUnrolled = 16;
  std::vector<std::pair<const std::byte*, int64_t>> blocks;
  int64_t total = 0;
  decoder.visit([&](Param& param) {
    for (int64_t at = 0; at + kBlock <= param.value.bytes(); at += kBlock) {
      blocks.emplace_back(param.value.data_as<std::byte>() + at, kBlock);
      total += kBlock;
    }
  });
  std::vector<uint64_t> sums(blocks.size());
  const auto read = [&](int64_t task, int) {
    const auto& [data, bytes] = blocks[static_cast<size_t>(task)];
    uint64_t parts[kUnrolled] = {};
    for (int64_t at = 0; at < bytes; at += static_cast<int64_t>(sizeof parts)) {
      uint64_t words[kUnrolled];
      std::memcpy(words, data + at, sizeof words);
      for (int i = 0; i < kUnrolled; ++i) parts[i] += words[i];
    }
    for (const uint64_t part : parts) sums[static_cast<size_t>(task)] += part;
  };
  std::vector<double> seconds;
  for (int i = 0; i < 6; ++i) {
    const Timer timer;
    pool.run(static_cast<int64_t>(blocks.size()), read);
    if (i > 0) seconds.push_back(timer.seconds());
  }
  return total == 0 ? 0.0 : static_cast<double>(total) / median(seconds);
}

uint64_t peak_rss_bytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

BenchResult measure(CommandContext& context, const LanguageModel& model,
                    const BenchOptions& options) {
  ThreadPool pool(context.threads);
  Generator generator(model, pool,
                      {.matmul = options.matmul,
                       .context = std::max(options.prompt_tokens, options.depth) + options.tokens,
                       .cache_type = options.cache_type,
                       .repack = options.repack,
                       .isa = options.isa});
  const int64_t vocabulary = model.decoder->config().vocab_size;
  Rng rng(1);
  std::vector<int32_t> prompt(static_cast<size_t>(options.prompt_tokens));
  for (int32_t& id : prompt) {
    id = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocabulary)));
  }
  const std::vector<int32_t> kept(static_cast<size_t>(std::max<int64_t>(options.depth, 1)));
  std::vector<double> prefill;
  std::vector<double> decode;
  const std::stop_token stop = context.interrupts.token();
  for (int64_t round = -1; round < options.repeats; ++round) {  // the first one warms up
    generator.reset();
    Timer timer;
    generator.prefill(prompt, stop);
    const double prefill_seconds = timer.seconds();
    generator.reset();
    generator.prefill(kept, stop);
    timer.restart();
    for (int64_t i = 0; i < options.tokens && !stop.stop_requested(); ++i) {
      generator.step(static_cast<int32_t>(i % vocabulary));
    }
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "bench", "stopped");
    if (round < 0) continue;
    prefill.push_back(static_cast<double>(options.prompt_tokens) / prefill_seconds);
    decode.push_back(static_cast<double>(options.tokens) / timer.seconds());
  }
  const uint64_t peak = peak_rss_bytes();  // what follows reads packed weights' originals too
  return {median(prefill), median(decode), read_bandwidth(*model.decoder, pool),
          bytes_read_per_token(*model.decoder), peak};
}

void bench(CommandContext& context, const BenchOptions& options) {
  if (options.model.empty() == options.shape.empty()) {
    throw CLI::ValidationError("bench", "give either a model with -m or a shape with --random");
  }
  const std::optional<DType> type = dtype_from_name(options.type);
  if (!type || *type == DType::kF64 || *type == DType::kI32) {
    throw CLI::ValidationError("--type", "'" + options.type + "' is none of f32, f16, bf16, q8_0");
  }
  const LanguageModel model = options.shape.empty() ? load_language_model(options.model)
                                                    : random_model(options.shape, *type);
  const BenchResult result = measure(context, model, options);
  const double decode_bytes = result.decode_tokens_per_s * static_cast<double>(result.weight_bytes);
  const double share = result.read_bytes_per_s > 0 ? decode_bytes / result.read_bytes_per_s : 0.0;
  const uint64_t peak = result.peak_rss_bytes;
  const int threads = ThreadPool(context.threads).threads();
  if (context.json) {
    print_json(context, {{"model", model.path.string()},
                         {"threads", threads},
                         {"isa", isa_name(std::min(options.isa, detect_isa()))},
                         {"prompt_tokens", options.prompt_tokens},
                         {"tokens", options.tokens},
                         {"prefill_tokens_per_s", result.prefill_tokens_per_s},
                         {"decode_tokens_per_s", result.decode_tokens_per_s},
                         {"weight_bytes_per_token", result.weight_bytes},
                         {"read_bytes_per_s", result.read_bytes_per_s},
                         {"decode_share_of_bandwidth", share},
                         {"peak_rss_bytes", peak}});
    return;
  }
  context.out << fmt::format(
      "{}, {} threads\nprefill {:10.1f} tokens/s ({} tokens)\ndecode  {:10.1f} tokens/s ({} "
      "tokens)\n"
      "weights {:10.1f} MB a token, {:.0f} % of the read bandwidth of {:.1f} GB/s\n"
      "peak    {:10.1f} MB\n",
      model.path.string(), threads, result.prefill_tokens_per_s, options.prompt_tokens,
      result.decode_tokens_per_s, options.tokens, static_cast<double>(result.weight_bytes) / 1e6,
      100 * share, result.read_bytes_per_s / 1e9, static_cast<double>(peak) / 1e6);
}

}  // namespace

void add_bench_command(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "Measure prefill and decode speed");
  command->add_option("-m,--model", options->model, "Model file or folder");
  add_matmul_option(*command, options->matmul);
  add_cache_type_option(*command, options->cache_type);
  command->add_option("--random", options->shape, "Random weights of a shape instead of a model")
      ->check(CLI::IsMember(random_model_shapes()));
  command->add_option("--type", options->type, "Number format of random weights")
      ->capture_default_str();
  command->add_option("-p,--prompt-tokens", options->prompt_tokens, "Tokens of the prompt")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("-n,--tokens", options->tokens, "Tokens decoded one by one")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("-d,--depth", options->depth, "Tokens in the cache before decoding begins")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 20))
      ->capture_default_str();
  const std::map<std::string, Isa> isas = {
      {"baseline", Isa::kBaseline}, {"avx2", Isa::kAvx2}, {"avx512", Isa::kAvx512}};
  command
      ->add_option("--isa", options->isa,
                   "Instruction set to use at most (the best there is, when not given)")
      ->transform(
          CLI::CheckedTransformer(isas, CLI::ignore_case).description("{baseline,avx2,avx512}"));
  command->add_flag("!--no-repack", options->repack, "Leave quantised weights as they are stored");
  command->add_option("-r,--repeats", options->repeats, "Rounds; the median counts")
      ->check(CLI::Range(int64_t{1}, int64_t{1000}))
      ->capture_default_str();
  command->callback([&context, options] { bench(context, *options); });
}

}  // namespace onmal

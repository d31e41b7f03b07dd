// ngram_baseline --tokenizer T --train SHARD... --heldout SHARD... [--order 5] [--length 256]
// [--sequences N | --model M]: held-out bits per byte of an interpolated modified Kneser–Ney model,
// for comparison with a trained decoder on the same shards. Prints JSON. With --sequences it scores
// the first N sequences of `length` tokens of each held-out shard, which is what `onmal train`
// evaluates (run.evaluate_sequences, data.length); without, every token. With --model the decoder
// scores the same tokens, in windows of `length` that slide by half within a document, and the
// difference gets a 95 % interval by bootstrap over documents.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <numbers>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "corpus/shard.h"
#include "evaluate/metric.h"
#include "infer/score.h"
#include "models/language_model.h"
#include "ngram_model.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

constexpr std::string_view kUsage =
    "ngram_baseline --tokenizer T --train SHARD... --heldout SHARD... [--order 5] [--length 256] "
    "[--sequences N | --model M] [--threads 2]";

struct Options {
  std::string tokenizer;
  std::vector<std::string> train, heldout;
  int64_t order = 5;
  int64_t length = 256;
  int64_t sequences = 0;  // 0: every token
  std::string model;      // to compare with; "": none
  int64_t threads = 2;
};

int64_t number_of(const std::string& name, std::string_view text, int64_t least, int64_t most) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    throw Error(ErrorCode::kInvalidArgument, name,
                "'" + std::string(text) + "' is no number from " + std::to_string(least) + " to " +
                    std::to_string(most));
  }
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  std::string name;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--")) {
      name = argument;
    } else if (name == "--tokenizer") {
      options.tokenizer = argument;
    } else if (name == "--train") {
      options.train.emplace_back(argument);
    } else if (name == "--heldout") {
      options.heldout.emplace_back(argument);
    } else if (name == "--order") {
      options.order = number_of(name, argument, 1, 16);
    } else if (name == "--length") {
      options.length = number_of(name, argument, 1, int64_t{1} << 30);
    } else if (name == "--sequences") {
      options.sequences = number_of(name, argument, 1, int64_t{1} << 30);
    } else if (name == "--model") {
      options.model = argument;
    } else if (name == "--threads") {
      options.threads = number_of(name, argument, 1, 1024);
    } else {
      throw Error(ErrorCode::kInvalidArgument, name.empty() ? std::string(argument) : name,
                  "unknown option", "usage: " + std::string(kUsage));
    }
  }
  if (options.tokenizer.empty() || options.train.empty() || options.heldout.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "options",
                "--tokenizer, --train and --heldout are needed", "usage: " + std::string(kUsage));
  }
  if (options.sequences > 0 && !options.model.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "--model", "compares on every token",
                "leave out --sequences");
  }
  return options;
}

ShardReader open_shard(const std::string& path, const Tokenizer& tokenizer) {
  ShardReader shard(path);
  if (shard.info().fingerprint != tokenizer_fingerprint(tokenizer)) {
    throw Error(ErrorCode::kInvalidArgument, path, "was made with another tokenizer",
                "name the tokenizer that packed it");
  }
  return shard;
}

void append_tokens(const ShardReader& shard, std::vector<int32_t>& tokens) {
  const size_t before = tokens.size();
  tokens.resize(before + static_cast<size_t>(shard.info().tokens));
  shard.read(0, std::span(tokens).subspan(before));
}

struct NgramScore {
  double bits = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;
};

// Counted as the trainer's evaluation counts: every prediction costs bits, the end of a document
// too; only text counts as bytes.
void add_prediction(const NgramModel& model, const Tokenizer& tokenizer,
                    std::span<const int32_t> context, int32_t token, NgramScore& score) {
  score.bits -= std::log2(model.probability(context, token));
  ++score.tokens;
  if (!tokenizer.is_special(token))
    score.bytes += static_cast<int64_t>(tokenizer.piece(token).size());
}

// Like the decoder, the model sees its own document only; the first token of a shard is given.
void add_score(const NgramModel& model, const Tokenizer& tokenizer, const ShardReader& shard,
               const Options& options, NgramScore& score) {
  std::vector<int32_t> tokens;
  append_tokens(shard, tokens);
  size_t end = tokens.size();
  if (options.sequences > 0) {
    const auto length = static_cast<size_t>(options.length);
    const size_t whole = (std::max<size_t>(end, 1) - 1) / length;
    end = 1 + length * std::min(whole, static_cast<size_t>(options.sequences));
  }
  for (size_t i = 1; i < end; ++i) {
    const auto start = static_cast<size_t>(shard.document_start(static_cast<int64_t>(i) - 1));
    add_prediction(model, tokenizer, std::span(tokens).subspan(start, i - start), tokens[i], score);
  }
}

// Of one document: what the decoder and the n-gram model paid for the same predictions.
constexpr size_t kPairWidth = 3;  // bits of the decoder, bits of the n-gram model, bytes of text

// The predictions behind each token of a document, its end and the next document's first token
// among them, as add_score counts them.
void add_pairs(const NgramModel& ngrams, const LanguageModel& model, ThreadPool& pool,
               const ShardReader& shard, const Options& options, std::vector<double>& pairs) {
  std::vector<int32_t> tokens;
  append_tokens(shard, tokens);
  ScoreOptions windows;
  windows.window = options.length;
  windows.stride = std::max<int64_t>(options.length / 2, 1);
  const auto total = static_cast<int64_t>(tokens.size());
  for (int64_t start = 0; start < total;) {
    const int64_t next = shard.next_document_start(start);
    const auto ids = std::span(tokens).subspan(
        static_cast<size_t>(start), static_cast<size_t>(std::min(next + 1, total) - start));
    start = next;
    if (ids.size() < 2) continue;
    NgramScore counted;
    for (size_t i = 1; i < ids.size(); ++i)
      add_prediction(ngrams, *model.tokenizer, ids.first(i), ids[i], counted);
    const Score score = score_tokens(model, pool, ids, windows, [](int64_t) {});
    pairs.insert(pairs.end(), {score.negative_log_likelihood / std::numbers::ln2, counted.bits,
                               static_cast<double>(counted.bytes)});
  }
}

LanguageModel load_compared(const Options& options, const Tokenizer& tokenizer) {
  LanguageModel model = load_language_model(options.model);
  if (!model.tokenizer ||
      tokenizer_fingerprint(*model.tokenizer) != tokenizer_fingerprint(tokenizer)) {
    throw Error(ErrorCode::kInvalidArgument, options.model, "has another tokenizer",
                "name the model that was trained on these shards");
  }
  return model;
}

void compare(const Options& options, const NgramModel& ngrams, const LanguageModel& model) {
  ThreadPool pool(static_cast<int>(options.threads));
  std::vector<double> pairs;
  for (const std::string& path : options.heldout)
    add_pairs(ngrams, model, pool, open_shard(path, *model.tokenizer), options, pairs);
  const std::pair<const char*, std::function<double(std::span<const double>)>> measures[] = {
      {"model_bits_per_byte", [](auto sums) { return sums[0] / sums[2]; }},
      {"ngram_bits_per_byte", [](auto sums) { return sums[1] / sums[2]; }},
      {"model_over_ngram", [](auto sums) { return sums[0] / sums[1]; }}};
  std::printf("{\"documents\": %zu", pairs.size() / kPairWidth);
  for (const auto& [name, finish] : measures) {
    const MetricValue value = evaluate_metric(sums_metric(name, kPairWidth, pairs, finish));
    std::printf(", \"%s\": %.4f, \"%s_95\": [%.4f, %.4f]", name, value.value, name, value.low,
                value.high);
  }
  std::printf("}\n");
}

void measure(const Options& options, const NgramModel& model, const Tokenizer& tokenizer,
             size_t train_tokens) {
  NgramScore score;
  for (const std::string& path : options.heldout) {
    add_score(model, tokenizer, open_shard(path, tokenizer), options, score);
  }
  if (score.bytes == 0) {
    throw Error(ErrorCode::kInvalidArgument, options.heldout.front(), "holds too little text");
  }
  std::printf(
      "{\"order\": %d, \"train_tokens\": %zu, \"ngrams\": %lld, \"heldout_tokens\": %lld, "
      "\"heldout_bytes\": %lld, \"bits_per_token\": %.4f, \"bits_per_byte\": %.4f}\n",
      model.order(), train_tokens, static_cast<long long>(model.ngrams()),
      static_cast<long long>(score.tokens), static_cast<long long>(score.bytes),
      score.bits / static_cast<double>(score.tokens),
      score.bits / static_cast<double>(score.bytes));
}

void run(const Options& options) {
  const auto tokenizer = load_tokenizer_json(options.tokenizer);
  LanguageModel compared;
  if (!options.model.empty()) compared = load_compared(options, *tokenizer);
  std::vector<int32_t> tokens;
  for (const std::string& path : options.train) append_tokens(open_shard(path, *tokenizer), tokens);
  const size_t train_tokens = tokens.size();
  const NgramModel model(std::move(tokens), tokenizer->vocab_size(),
                         static_cast<int>(options.order));
  if (options.model.empty())
    measure(options, model, *tokenizer, train_tokens);
  else
    compare(options, model, compared);
}

}  // namespace
}  // namespace onmal

int main(int argc, char** argv) {
  try {
    onmal::run(onmal::parse(argc, argv));
  } catch (const onmal::Error& error) {
    std::fprintf(stderr, "ngram_baseline: %s\n", error.what());
    return error.code() == onmal::ErrorCode::kInvalidArgument ? 2 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ngram_baseline: %s\n", error.what());
    return 1;
  }
  return 0;
}

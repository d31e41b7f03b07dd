// ngram_baseline --tokenizer T --train SHARD... --heldout SHARD... [--order 5] [--length 256]
// [--sequences N]: held-out bits per byte of an interpolated modified Kneser–Ney model, for
// comparison with a trained decoder on the same shards. Prints JSON. With --sequences it scores the
// first N sequences of `length` tokens of each held-out shard, which is what `onmal train`
// evaluates (run.evaluate_sequences, data.length); without, every token.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "corpus/shard.h"
#include "ngram_model.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

constexpr std::string_view kUsage =
    "ngram_baseline --tokenizer T --train SHARD... --heldout SHARD... [--order 5] [--length 256] "
    "[--sequences N]";

struct Options {
  std::string tokenizer;
  std::vector<std::string> train, heldout;
  int64_t order = 5;
  int64_t length = 256;
  int64_t sequences = 0;  // 0: every token
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
    } else {
      throw Error(ErrorCode::kInvalidArgument, name.empty() ? std::string(argument) : name,
                  "unknown option", "usage: " + std::string(kUsage));
    }
  }
  if (options.tokenizer.empty() || options.train.empty() || options.heldout.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "options",
                "--tokenizer, --train and --heldout are needed", "usage: " + std::string(kUsage));
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

struct Score {
  double bits = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;
};

// Counted as the trainer's evaluation counts: like the decoder, the model sees its own document
// only; every prediction costs bits, the end of a document too; only text counts as bytes; the
// first token of a shard is given.
void add_score(const NgramModel& model, const Tokenizer& tokenizer, const ShardReader& shard,
               const Options& options, Score& score) {
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
    score.bits -=
        std::log2(model.probability(std::span(tokens).subspan(start, i - start), tokens[i]));
    ++score.tokens;
    if (!tokenizer.is_special(tokens[i]))
      score.bytes += static_cast<int64_t>(tokenizer.piece(tokens[i]).size());
  }
}

void measure(const Options& options) {
  const auto tokenizer = load_tokenizer_json(options.tokenizer);
  std::vector<int32_t> tokens;
  for (const std::string& path : options.train) append_tokens(open_shard(path, *tokenizer), tokens);
  const size_t train_tokens = tokens.size();
  const NgramModel model(std::move(tokens), tokenizer->vocab_size(),
                         static_cast<int>(options.order));
  Score score;
  for (const std::string& path : options.heldout) {
    add_score(model, *tokenizer, open_shard(path, *tokenizer), options, score);
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

}  // namespace
}  // namespace onmal

int main(int argc, char** argv) {
  try {
    onmal::measure(onmal::parse(argc, argv));
  } catch (const onmal::Error& error) {
    std::fprintf(stderr, "ngram_baseline: %s\n", error.what());
    return error.code() == onmal::ErrorCode::kInvalidArgument ? 2 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ngram_baseline: %s\n", error.what());
    return 1;
  }
  return 0;
}

// ngram_baseline TOKENIZER TRAIN_SHARD HELDOUT_SHARD [ORDER]: held-out bits per byte of an
// interpolated modified Kneser–Ney model, for comparison with a trained decoder on the same shards.
// Prints JSON.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "corpus/shard.h"
#include "ngram_model.h"
#include "tokenizer/tokenizer_json.h"

namespace {

std::vector<int32_t> all_tokens(const onmal::ShardReader& shard) {
  std::vector<int32_t> tokens(static_cast<size_t>(shard.info().tokens));
  shard.read(0, tokens);
  return tokens;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: ngram_baseline TOKENIZER TRAIN_SHARD HELDOUT_SHARD [ORDER]\n");
    return 2;
  }
  try {
    const auto tokenizer = onmal::load_tokenizer_json(argv[1]);
    const onmal::ShardReader train(argv[2]);
    const onmal::ShardReader heldout(argv[3]);
    const int order = argc > 4 ? std::atoi(argv[4]) : 5;
    const onmal::NgramModel model(all_tokens(train), tokenizer->vocab_size(), order);
    const std::vector<int32_t> tokens = all_tokens(heldout);
    double bits = 0;
    int64_t bytes = 0;
    for (size_t i = 1; i < tokens.size(); ++i) {
      // Like the decoder, the model sees its own document only; the first token of all is given.
      const auto start = static_cast<size_t>(heldout.document_start(static_cast<int64_t>(i) - 1));
      bits -= std::log2(model.probability(std::span(tokens).subspan(start, i - start), tokens[i]));
      if (!tokenizer->is_special(tokens[i]))
        bytes += static_cast<int64_t>(tokenizer->piece(tokens[i]).size());
    }
    std::printf(
        "{\"order\": %d, \"ngrams\": %lld, \"heldout_tokens\": %zu, \"bits_per_byte\": %.4f}\n",
        order, static_cast<long long>(model.ngrams()), tokens.size(),
        bits / static_cast<double>(bytes));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ngram_baseline: %s\n", error.what());
    return 1;
  }
  return 0;
}

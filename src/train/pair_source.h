#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "corpus/packed_dataset.h"
#include "train/recipe.h"

namespace onmal {

// What an encoder-decoder reads and what it is to write, both ended.
struct TokenPair {
  std::vector<int32_t> source, target;
};

// An endless, deterministic stream of pairs.
class PairSource {
 public:
  virtual ~PairSource() = default;
  virtual int64_t pairs() const = 0;  // in one epoch
  virtual TokenPair pair(uint64_t position) const = 0;
};

struct PairSplit {
  std::unique_ptr<PairSource> train, heldout;  // heldout: null without any
};

// Pairs of a table, in a new order each epoch; about heldout_permille of them, chosen by their
// source, held out unless there is a table for that; with languages each row makes two pairs, which
// stay together. Longer texts are cut to data.length tokens.
// Throws Error naming file and row for one without source or target, and for a split that is empty.
PairSplit read_pairs(const DataRecipe& data, const Tokenizer& tokenizer, uint64_t seed);

// Sequences of a shard from which spans are cut out (Raffel et al., 2020, section 3.1.4): the
// source has a sentinel in place of each, the target the sentinels with what stood there. Spans are
// chosen anew each time. Throws Error(kInvalidArgument) when the vocabulary has no <extra_id_0>.
PairSplit read_denoised(const DataRecipe& data, const ObjectiveRecipe& objective,
                        const Tokenizer& tokenizer, uint64_t seed);

// The target of cutting `spans` out of `tokens`, and what is left; for tests.
TokenPair cut_spans(const std::vector<int32_t>& tokens, double share, double mean_span,
                    const std::vector<int32_t>& sentinels, int32_t end_id, uint64_t seed);

}  // namespace onmal

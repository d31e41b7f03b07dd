#pragma once

#include <cstdint>
#include <span>

#include "corpus/shard.h"

namespace onmal {

// A shard seen as sequences of `length` tokens with the next ones as targets, in an order that is
// shuffled anew each epoch by a keyed permutation: position p alone says what comes, so a run
// resumes from one number.
class PackedDataset {
 public:
  // Throws Error(kInvalidArgument) when the shard is shorter than one sequence.
  PackedDataset(const ShardReader& shard, int64_t length, uint64_t seed);

  int64_t length() const { return length_; }
  int64_t sequences() const { return sequences_; }

  // Sequence number `position` of the endless shuffled stream: tokens[length], targets[length] (the
  // token after each), first_keys[length] (where each token's document begins within the sequence).
  void read(uint64_t position, std::span<int32_t> tokens, std::span<int32_t> targets,
            std::span<int32_t> first_keys) const;
  // The same in stored order, for evaluation.
  void read_in_order(int64_t sequence, std::span<int32_t> tokens, std::span<int32_t> targets,
                     std::span<int32_t> first_keys) const;

 private:
  const ShardReader& shard_;
  int64_t length_;
  int64_t sequences_;
  uint64_t seed_;
};

// A permutation of [0, count) chosen by `key`: a Feistel network over the next power of four,
// walked until the value falls inside (Black & Rogaway, 2002).
uint64_t permuted(uint64_t index, uint64_t count, uint64_t key);

// Which of `count` examples stands at `position` of an endless stream that takes each of them once
// an epoch, in an order of the epoch's own.
inline uint64_t shuffled_index(uint64_t position, uint64_t count, uint64_t seed) {
  return permuted(position % count, count, seed + 1 + position / count);
}

}  // namespace onmal

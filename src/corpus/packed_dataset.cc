#include "corpus/packed_dataset.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace onmal {
namespace {

uint64_t scramble(uint64_t x) {
  x ^= x >> 33;
  x *= 0xFF51AFD7ED558CCDULL;
  x ^= x >> 33;
  x *= 0xC4CEB9FE1A85EC53ULL;
  return x ^ (x >> 33);
}

}  // namespace

uint64_t permuted(uint64_t index, uint64_t count, uint64_t key) {
  uint32_t half_bits = 1;
  while ((uint64_t{1} << (2 * half_bits)) < count) ++half_bits;
  const uint64_t mask = (uint64_t{1} << half_bits) - 1;
  uint64_t value = index;
  do {
    uint64_t left = value >> half_bits;
    uint64_t right = value & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      const uint64_t next = left ^ (scramble(right ^ scramble(key + round)) & mask);
      left = right;
      right = next;
    }
    value = left << half_bits | right;
  } while (value >= count);
  return value;
}

PackedDataset::PackedDataset(const ShardReader& shard, int64_t length, uint64_t seed)
    : shard_(shard), length_(length), sequences_((shard.info().tokens - 1) / length), seed_(seed) {
  if (sequences_ < 1) {
    throw Error(ErrorCode::kInvalidArgument, "data",
                "the shard's " + std::to_string(shard.info().tokens) +
                    " tokens do not fill one sequence of " + std::to_string(length),
                "use a shorter sequence or more text");
  }
}

void PackedDataset::read(uint64_t position, std::span<int32_t> tokens, std::span<int32_t> targets,
                         std::span<int32_t> first_keys) const {
  const auto count = static_cast<uint64_t>(sequences_);
  const uint64_t epoch = position / count;
  const uint64_t sequence =
      permuted(position % count, count, scramble(seed_ + epoch * 0x9E3779B97F4A7C15ULL));
  read_in_order(static_cast<int64_t>(sequence), tokens, targets, first_keys);
}

void PackedDataset::read_in_order(int64_t sequence, std::span<int32_t> tokens,
                                  std::span<int32_t> targets, std::span<int32_t> first_keys) const {
  ONMAL_ASSERT(sequence >= 0 && sequence < sequences_);
  const int64_t begin = sequence * length_;
  shard_.read(begin, tokens);
  shard_.read(begin + 1, targets);
  const auto length = static_cast<size_t>(length_);
  int64_t start = shard_.document_start(begin);
  int64_t next_start = shard_.next_document_start(begin);
  for (size_t t = 0; t < length; ++t) {
    const int64_t token = begin + static_cast<int64_t>(t);
    if (token >= next_start) {
      start = shard_.document_start(token);
      next_start = shard_.next_document_start(token);
    }
    first_keys[t] = static_cast<int32_t>(std::max<int64_t>(start - begin, 0));
  }
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tokenizer/bit_filter.h"

namespace onmal {

// (left id, right id) → rank and merged id; open addressing, at most half full.
class MergeTable {
 public:
  struct Merge {
    int32_t rank = -1;  // -1: this pair does not merge
    int32_t id = -1;
  };

  MergeTable() = default;
  explicit MergeTable(size_t merges) {
    size_t slots = 16;
    while (slots < 2 * merges) slots *= 2;
    slots_.resize(slots);
    filter_ = BitFilter(slots, 16);
  }

  // A pair given twice keeps its first rank.
  void insert(int32_t left, int32_t right, Merge merge) {
    const uint64_t key = key_of(left, right);
    size_t at = slot_of(key);
    while (slots_[at].merge.rank >= 0) {
      if (slots_[at].key == key) return;
      at = (at + 1) & (slots_.size() - 1);
    }
    slots_[at] = {key, merge};
    filter_.insert(key);
  }

  Merge find(int32_t left, int32_t right) const {
    const uint64_t key = key_of(left, right);
    // Most pairs do not merge: a small filter says so without a look into the large table.
    if (!filter_.may_contain(key)) return {};
    for (size_t at = slot_of(key); slots_[at].merge.rank >= 0;
         at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].key == key) return slots_[at].merge;
    }
    return {};
  }

 private:
  struct Slot {
    uint64_t key = 0;
    Merge merge;
  };
  static uint64_t key_of(int32_t left, int32_t right) {
    return BitFilter::pair_key(static_cast<uint32_t>(left), static_cast<uint32_t>(right));
  }
  size_t slot_of(uint64_t key) const {
    key *= 0x9E3779B97F4A7C15ULL;
    return static_cast<size_t>(key ^ (key >> 29)) & (slots_.size() - 1);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(16);
  BitFilter filter_{16, 16};  // of the keys
};

// Applies merges to `symbols` in place until none is left: lowest rank first, leftmost first among
// equals; only those of a rank below `limit`. Quadratic for a few symbols, n log n (a heap over a
// linked list) for many. The result stands at the front; returns how long it is.
size_t apply_merges(const MergeTable& merges, std::span<int32_t> symbols,
                    int32_t limit = INT32_MAX);
// The same; what is left over is cut off.
void apply_merges(const MergeTable& merges, std::vector<int32_t>& symbols,
                  int32_t limit = INT32_MAX);

}  // namespace onmal

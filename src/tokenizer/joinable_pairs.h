#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tokenizer/bit_filter.h"

namespace onmal {

// Which neighbouring tokens some later merge could still bring into one token: (a, b) when a merge
// (x, y) exists whose x ends in a and whose y begins with b, by the merges given. Between two
// others merging never reaches across, so a row of tokens may be cut there. A filter: it may say
// yes too often, never no wrongly.
class JoinablePairs {
 public:
  JoinablePairs() = default;  // every pair
  // merges[i] makes the token made[i] of two others.
  JoinablePairs(std::span<const std::pair<int32_t, int32_t>> merges, std::span<const int32_t> made);

  bool may_join(int32_t left, int32_t right) const {
    return pairs_.may_contain(
        BitFilter::pair_key(static_cast<uint32_t>(left), static_cast<uint32_t>(right)));
  }

 private:
  BitFilter pairs_;
};

}  // namespace onmal

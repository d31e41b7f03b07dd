#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

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
    if (bits_.empty()) return true;
    const size_t bit = bit_of(left, right);
    return (bits_[bit / 64] >> (bit % 64) & 1) != 0;
  }

 private:
  size_t bit_of(int32_t left, int32_t right) const {
    uint64_t key =
        static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
    key *= 0x9E3779B97F4A7C15ULL;
    return static_cast<size_t>(key >> 24) & (bits_.size() * 64 - 1);
  }

  std::vector<uint64_t> bits_;
};

}  // namespace onmal

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace onmal {

// A set of keys that may say yes too often and never no wrongly (a Bloom filter of one hash).
class BitFilter {
 public:
  BitFilter() = default;  // says yes to all
  // Room for about `keys` keys with at least `bits_per_key` bits for each.
  BitFilter(size_t keys, size_t bits_per_key)
      : words_(std::bit_ceil(std::max<size_t>(1, keys * bits_per_key / 64))) {}

  static uint64_t pair_key(uint32_t left, uint32_t right) { return uint64_t{left} << 32 | right; }

  bool says_yes_to_all() const { return words_.empty(); }
  void insert(uint64_t key) {
    const size_t bit = bit_of(key);
    words_[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  bool may_contain(uint64_t key) const {
    if (words_.empty()) return true;
    const size_t bit = bit_of(key);
    return (words_[bit / 64] >> (bit % 64) & 1) != 0;
  }

 private:
  size_t bit_of(uint64_t key) const {
    key *= 0xC4CEB9FE1A85EC53ULL;
    return static_cast<size_t>(key >> 20) & (words_.size() * 64 - 1);
  }

  std::vector<uint64_t> words_;
};

}  // namespace onmal

#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "corpus/dedup/mix.h"

namespace onmal {

// Of a block in a temporary file. It may depend on the place too, so that a block read from where
// another one stands is found out.
inline uint64_t block_checksum(std::string_view bytes, uint64_t place = 0) {
  uint64_t sum = mix_bits(place ^ bytes.size());
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    sum = (sum ^ word) * 0x9FB21C651E98DF25ULL;
    sum ^= sum >> 32;
  }
  uint64_t rest = 0;
  if (i < bytes.size()) std::memcpy(&rest, bytes.data() + i, bytes.size() - i);
  return mix_bits(sum ^ rest);
}

}  // namespace onmal

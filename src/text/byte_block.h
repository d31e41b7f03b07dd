#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace onmal {

// Sixteen bytes of a text, compared all at once; a comparison gives 255 where it holds, else 0.
using ByteBlock [[gnu::vector_size(16)]] = uint8_t;
inline constexpr size_t kBlockBytes = sizeof(ByteBlock);

inline ByteBlock load_block(const char* bytes) {
  ByteBlock block;
  std::memcpy(&block, bytes, sizeof block);
  return block;
}

// Whether any byte of it is not 0.
inline bool any_of(const ByteBlock& block) {
  uint64_t halves[2];
  std::memcpy(halves, &block, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}

// How many bytes of a comparison hold.
inline size_t count_true(const ByteBlock& compared) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL;
  const ByteBlock ones = compared & 1;
  uint64_t halves[2];
  std::memcpy(halves, &ones, sizeof halves);
  return ((halves[0] + halves[1]) * kOnes) >> 56;
}

}  // namespace onmal

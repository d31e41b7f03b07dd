#pragma once

#include <cstdint>

// Quantised block layouts as plain structs, byte for byte as GGUF stores them.
namespace onmal {

inline constexpr int64_t kQ8BlockSize = 32;

// value[i] = scale * values[i]; scale is an IEEE half.
struct BlockQ8_0 {
  uint16_t scale;
  int8_t values[kQ8BlockSize];
};
static_assert(sizeof(BlockQ8_0) == 34);

}  // namespace onmal

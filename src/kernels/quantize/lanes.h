#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "numeric/blocks.h"

// Four floats at once in the compiler's own vectors, and the levels that formats round to.
namespace onmal::kernels::quantize {

typedef float Four __attribute__((vector_size(16)));

inline Four all(float x) { return Four{x, x, x, x}; }
inline float sum(Four x) { return (x[0] + x[2]) + (x[1] + x[3]); }

inline Four clamp(Four x, float low, float high) {
  x = x < all(low) ? all(low) : x;
  return x > all(high) ? all(high) : x;
}

// Integers kLow … kHigh.
template <int kLow, int kHigh>
struct IntegerLevels {
  static constexpr float kExtreme = -kLow;  // size of the largest level
  static constexpr float kStep = 1.0F;      // between neighbours, about

  // Adding 1.5 * 2^23 leaves no room for a fraction: rounded to nearest.
  static Four nearest(Four x) {
    const Four magic = all(12582912.0F);
    return (clamp(x, kLow, kHigh) + magic) - magic;
  }
  static int code(float level) { return static_cast<int>(level) - kLow; }
};

// The nearest of kIQ4Levels for each half step from -128 on.
constexpr std::array<uint8_t, 512> make_table_codes() {
  std::array<uint8_t, 512> codes{};
  for (int i = 0; i < 512; ++i) {
    const int quarters = 2 * i + 1 - 512;  // the middle of [i/2 - 128, i/2 - 127.5), times 4
    int best = 0;
    for (int k = 1; k < 16; ++k) {
      const int here = quarters - 4 * kIQ4Levels[k];
      const int before = quarters - 4 * kIQ4Levels[best];
      if (here * here < before * before) best = k;
    }
    codes[static_cast<size_t>(i)] = static_cast<uint8_t>(best);
  }
  return codes;
}

// kIQ4Levels. Thresholds between levels are multiples of 1/2, so that a table over halves is exact.
struct TableLevels {
  static constexpr float kExtreme = 127.0F;
  static constexpr float kStep = 127.0F / 8;

  static constexpr std::array<uint8_t, 512> kCodes = make_table_codes();

  static int code(float level) { return kCodes[static_cast<size_t>(2.0F * (level + 128.0F))]; }
  static float look_up(float x) { return kIQ4Levels[code(x)]; }
  static Four nearest(Four x) {
    x = clamp(x, -127.5F, 127.0F);
    return Four{look_up(x[0]), look_up(x[1]), look_up(x[2]), look_up(x[3])};
  }
};

}  // namespace onmal::kernels::quantize

#pragma once

#include <cstdint>

#include "kernels/quantize/lanes.h"
#include "numeric/half.h"

namespace onmal::kernels::quantize {

// A block's values divided by a power of two (so that the largest is near 1 and no square
// overflows) and weights of which the largest is 1.
template <int N>
struct BlockInput {
  Four x[N / 4];
  Four weights[N / 4];
  float unit = 1.0F;  // value = unit * x
  bool finite = true;

  void read(const float* values, const float* importance) {
    float largest = 0.0F;
    float heaviest = 0.0F;
    for (int i = 0; i < N; ++i) {
      const float size = values[i] < 0.0F ? -values[i] : values[i];
      finite = finite && size <= 3.4e38F;
      largest = size > largest ? size : largest;
      if (importance != nullptr && importance[i] > heaviest) heaviest = importance[i];
    }
    if (!finite) return;
    unit = 1.0F;
    while (unit < largest && unit < 0x1p126F) unit *= 2.0F;
    while (unit > 2.0F * largest && unit > 0x1p-100F) unit *= 0.5F;
    for (int i = 0; i < N; ++i) {
      x[i / 4][i % 4] = values[i] / unit;
      // A weight that nothing reaches still counts a little, so that it is kept roughly.
      weights[i / 4][i % 4] = heaviest > 0.0F ? importance[i] / heaviest + 1e-6F : 1.0F;
    }
  }

  // The half nearest to a scale of x, as a scale of the values.
  uint16_t half(float scale) const {
    constexpr float kLargest = 65504.0F;
    const float value = scale * unit;
    return f32_to_f16(value > kLargest ? kLargest : value < -kLargest ? -kLargest : value);
  }
  // What a stored half means as a scale of x.
  float scale_of(uint16_t half) const { return f16_to_f32(half) / unit; }
};

inline constexpr uint16_t kHalfNotANumber = 0x7E00;

// Bytes of two 4-bit codes, as small blocks keep them.
inline void pack_nibbles(const int* codes, uint8_t* nibbles) {
  for (int i = 0; i < 16; ++i) {
    nibbles[i] = static_cast<uint8_t>((codes[i] & 15) | ((codes[i + 16] & 15) << 4));
  }
}

void encode_q8_0(const float* x, const float* importance, BlockQ8_0& out);
void encode_q4_0(const float* x, const float* importance, BlockQ4_0& out);
void encode_q4_1(const float* x, const float* importance, BlockQ4_1& out);
void encode_q5_0(const float* x, const float* importance, BlockQ5_0& out);
void encode_q5_1(const float* x, const float* importance, BlockQ5_1& out);
void encode_iq4_nl(const float* x, const float* importance, BlockIQ4_NL& out);
void encode_q2_k(const float* x, const float* importance, BlockQ2_K& out);
void encode_q3_k(const float* x, const float* importance, BlockQ3_K& out);
void encode_q4_k(const float* x, const float* importance, BlockQ4_K& out);
void encode_q5_k(const float* x, const float* importance, BlockQ5_K& out);
void encode_q6_k(const float* x, const float* importance, BlockQ6_K& out);
void encode_iq4_xs(const float* x, const float* importance, BlockIQ4_XS& out);

}  // namespace onmal::kernels::quantize

#pragma once

#include "kernels/int8.h"
#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {

// Below this a group counts as zero: 127 / x would overflow.
constexpr float kSmallest = 1e-30F;

// Rounds one group: returns its scale; sums[0], sums[1] get the integer sums of its halves.
ONMAL_INLINE float quantize_group(const float* x, int8_t* values, int32_t* sums) {
  Vec largest = Vec::zero();
  Vec bad = Vec::zero();  // NaN where anything is NaN or infinite
  for (int i = 0; i < kInt8Group; i += Vec::kWidth) {
    const Vec here = Vec::load(x + i);
    largest = Vec::max(largest, Vec::abs(here));
    bad = bad + (here - here);
  }
  const float most = largest.largest();
  const float poison = bad.sum();
  const float inverse = most > kSmallest ? 127.0F / most : 0.0F;
  sums[0] = 0;
  sums[1] = 0;
  if (poison != 0.0F || !(most < 3e38F)) {
    for (int i = 0; i < kInt8Group; ++i) values[i] = 1;
    return poison;
  }
  float rounded[kInt8Group];
  for (int i = 0; i < kInt8Group; i += Vec::kWidth) {
    Vec::round(Vec::load(x + i) * Vec::all(inverse)).store(rounded + i);
  }
  int32_t first = 0;
  int32_t second = 0;
  for (int i = 0; i < 16; ++i) {
    const auto a = static_cast<int32_t>(rounded[i]);
    const auto b = static_cast<int32_t>(rounded[i + 16]);
    values[i] = static_cast<int8_t>(a);
    values[i + 16] = static_cast<int8_t>(b);
    first += a;
    second += b;
  }
  sums[0] = first;
  sums[1] = second;
  return most / 127.0F;
}

ONMAL_INLINE void quantize_row_groups(const float* x, int64_t inner, const Int8Rows& out,
                                      int64_t row) {
  int8_t* values = out.values + row * out.groups * kInt8Group;
  float* scales = out.scales + row * out.groups;
  float* sums = out.sums + row * out.groups;
  float* half_sums = out.half_sums + row * out.groups * 2;
  int32_t* totals = out.totals + row * out.groups * 2;
  const int64_t groups = inner / kInt8Group;
  for (int64_t g = 0; g < out.groups; ++g) {
    int32_t halves[2] = {0, 0};
    float scale = 0.0F;
    if (g < groups) {
      scale = quantize_group(x + g * kInt8Group, values + g * kInt8Group, halves);
    } else {
      __builtin_memset(values + g * kInt8Group, 0, kInt8Group);
    }
    scales[g] = scale;
    totals[2 * g] = halves[0];
    totals[2 * g + 1] = halves[1];
    half_sums[2 * g] = scale * static_cast<float>(halves[0]);
    half_sums[2 * g + 1] = scale * static_cast<float>(halves[1]);
    sums[g] = scale * static_cast<float>(halves[0] + halves[1]);
  }
}

}  // namespace onmal::kernels::ONMAL_ISA

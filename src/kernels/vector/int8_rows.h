#pragma once

#include "kernels/int8.h"
#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {

// Below this a group counts as zero: 127 / x would overflow.
constexpr float kSmallest = 1e-30F;

#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)

// values = x * inverse, rounded; sums[0], sums[1] get the sums of its halves.
ONMAL_INLINE void round_group(const float* x, float inverse, int8_t* values, int32_t* sums) {
  const __m256 factor = _mm256_set1_ps(inverse);
  __m256i words[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    words[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), factor));
  // Packing interleaves 128-bit parts: sums do not mind, bytes are sorted at the end.
  const __m256i first = _mm256_packs_epi32(words[0], words[1]);
  const __m256i second = _mm256_packs_epi32(words[2], words[3]);
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(first, second),
                                                    _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(values), bytes);
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i both =
      _mm256_hadd_epi32(_mm256_madd_epi16(first, ones), _mm256_madd_epi16(second, ones));
  const __m128i folded =
      _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  const __m128i halves = _mm_hadd_epi32(folded, folded);
  sums[0] = _mm_cvtsi128_si32(halves);
  sums[1] = _mm_extract_epi32(halves, 1);
}

#else

ONMAL_INLINE void round_group(const float* x, float inverse, int8_t* values, int32_t* sums) {
  float rounded[kInt8Group];
  for (int i = 0; i < kInt8Group; i += Vec::kWidth)
    Vec::round(Vec::load(x + i) * Vec::all(inverse)).store(rounded + i);
  sums[0] = 0;
  sums[1] = 0;
  for (int i = 0; i < 16; ++i) {
    const auto a = static_cast<int32_t>(rounded[i]);
    const auto b = static_cast<int32_t>(rounded[i + 16]);
    values[i] = static_cast<int8_t>(a);
    values[i + 16] = static_cast<int8_t>(b);
    sums[0] += a;
    sums[1] += b;
  }
}

#endif

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
  if (poison != 0.0F || !(most < 3e38F)) {
    sums[0] = 0;
    sums[1] = 0;
    for (int i = 0; i < kInt8Group; ++i) values[i] = 1;
    return poison;
  }
  round_group(x, most > kSmallest ? 127.0F / most : 0.0F, values, sums);
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

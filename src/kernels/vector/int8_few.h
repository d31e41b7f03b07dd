#pragma once

#include "kernels/vector/int8_formats.h"

// Decoding: few rows of x against weights that stream in from memory as they are.
namespace onmal::kernels::ONMAL_ISA {

// Sums of a group's products, as 8 partial sums in floats: lanes 0..3 of the first half, 4..7 of
// the second.
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)

struct Eight {
  __m256 v;
  static ONMAL_INLINE Eight zero() { return {_mm256_setzero_ps()}; }
  static ONMAL_INLINE Eight load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static ONMAL_INLINE Eight all(const float* p) { return {_mm256_broadcast_ss(p)}; }
  static ONMAL_INLINE Eight two(const float* p) {
    return {_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_broadcast_ss(p)),
                                 _mm_broadcast_ss(p + 1), 1)};
  }
  static ONMAL_INLINE Eight fma(Eight a, Eight b, Eight c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
  }
  friend ONMAL_INLINE Eight operator*(Eight a, Eight b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend ONMAL_INLINE Eight operator-(Eight a, Eight b) { return {_mm256_sub_ps(a.v, b.v)}; }
  ONMAL_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  ONMAL_INLINE float sum() const {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two_lanes = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two_lanes, _mm_movehdup_ps(two_lanes)));
  }
};

// Full range of u (up to 255): products of pairs would overflow 16 bits without VNNI, so signs move
// from the weights, whose zero is taken off (Format::kZero = 128 there), to x.
template <typename Format>
ONMAL_INLINE Eight products(const Bytes32& u, const int8_t* x) {
  const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
#if defined(__AVX512VNNI__)
  return {_mm256_cvtepi32_ps(_mm256_dpbusd_epi32(_mm256_setzero_si256(), u.v, values))};
#else
  __m256i pairs;
  if constexpr (Format::kBits == 8) {
    const __m256i weights = u.offset().v;
    pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(values, weights));
  } else {
    pairs = _mm256_maddubs_epi16(u.v, values);
  }
  return {_mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
#endif
}

// Whether `products` still holds the zero of 8-bit formats.
#if defined(__AVX512VNNI__)
constexpr bool kKeepsWideZero = true;
#else
constexpr bool kKeepsWideZero = false;
#endif

#else

struct Eight {
  float v[8];
  static ONMAL_INLINE Eight zero() { return {{0, 0, 0, 0, 0, 0, 0, 0}}; }
  static ONMAL_INLINE Eight load(const float* p) {
    Eight out;
    for (int i = 0; i < 8; ++i) out.v[i] = p[i];
    return out;
  }
  static ONMAL_INLINE Eight all(const float* p) {
    Eight out;
    for (int i = 0; i < 8; ++i) out.v[i] = *p;
    return out;
  }
  static ONMAL_INLINE Eight two(const float* p) {
    Eight out;
    for (int i = 0; i < 8; ++i) out.v[i] = p[i / 4];
    return out;
  }
  static ONMAL_INLINE Eight fma(Eight a, Eight b, Eight c) {
    for (int i = 0; i < 8; ++i) c.v[i] += a.v[i] * b.v[i];
    return c;
  }
  friend ONMAL_INLINE Eight operator*(Eight a, Eight b) {
    for (int i = 0; i < 8; ++i) a.v[i] *= b.v[i];
    return a;
  }
  friend ONMAL_INLINE Eight operator-(Eight a, Eight b) {
    for (int i = 0; i < 8; ++i) a.v[i] -= b.v[i];
    return a;
  }
  ONMAL_INLINE void store(float* p) const {
    for (int i = 0; i < 8; ++i) p[i] = v[i];
  }
  ONMAL_INLINE float sum() const {
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
  }
};

template <typename Format>
ONMAL_INLINE Eight products(const Bytes32& u, const int8_t* x) {
  Eight out;
  for (int lane = 0; lane < 8; ++lane) {
    int32_t sum = 0;
    for (int i = 0; i < 4; ++i) sum += u.v[4 * lane + i] * x[4 * lane + i];
    out.v[lane] = static_cast<float>(sum);
  }
  return out;
}
constexpr bool kKeepsWideZero = true;

#endif

// Rows of weights `far` rows apart are taken together: each is one long stream through memory.
struct FewProblem {
  const uint8_t* w;
  int64_t row_bytes;
  int64_t far;
  int64_t groups;  // of a row of weights
  const Int8Rows* x;
  int64_t row;
  float* out;
  int64_t out_stride;
};

constexpr int64_t kPrefetchAhead = 1024;

// One step of one row of weights. products: scales of the step for each row of x.
template <typename Format, int kRows>
ONMAL_INLINE void add_step(const FewProblem& p, const uint8_t* row, int64_t step, int groups,
                           Eight (&sums)[kRows], Eight (&offsets)[kRows]) {
  constexpr int kScales = kInt8Step * Format::kHalves;
  constexpr bool kOffsets =
      Format::kHasMinimum || (Format::kZero != 0 && (Format::kBits < 8 || kKeepsWideZero));
  const auto* block = step_at<Format>(row, step);
  float scales[kScales];
  float minima[kScales];
  float factors[kRows][kScales];
  Format::scales(block, groups, scales, minima);
  const int64_t first = step * kInt8Step;
  for (int m = 0; m < kRows; ++m) {
    const int64_t at = (p.row + m) * p.x->groups + first;
#pragma GCC unroll 2
    for (int h = 0; h < Format::kHalves; ++h) {
      const Eight scale = Eight::load(scales + 8 * h);
      if constexpr (kOffsets) {
        const float* totals = Format::kHalves == 1 ? p.x->sums + at : p.x->half_sums + 2 * at;
        const float zero = -static_cast<float>(Format::kZero);
        const Eight below = Format::kHasMinimum ? Eight::zero() - Eight::load(minima + 8 * h)
                                                : scale * Eight::all(&zero);
        offsets[m] = Eight::fma(below, Eight::load(totals + 8 * h), offsets[m]);
      }
      if constexpr (Format::kHalves == 1) {
        (scale * Eight::load(p.x->scales + at)).store(factors[m]);
      } else {
        scale.store(factors[m] + 8 * h);
      }
    }
  }
  ONMAL_UNROLL_BYTES
  for (int g = 0; g < kInt8Step; ++g) {
    if (g >= groups) break;
    const Bytes32 u = Format::bytes(block, g);
#pragma GCC unroll 4
    for (int m = 0; m < kRows; ++m) {
      const int64_t at = (p.row + m) * p.x->groups + first + g;
      const Eight found = products<Format>(u, p.x->values + at * kInt8Group);
      if constexpr (Format::kHalves == 1) {
        sums[m] = Eight::fma(found, Eight::all(factors[m] + g), sums[m]);
      } else {
        sums[m] = Eight::fma(found * Eight::all(p.x->scales + at), Eight::two(factors[m] + 2 * g),
                             sums[m]);
      }
    }
  }
}

template <typename Format, int kOutputs, int kRows>
ONMAL_INLINE void few_tile(const FewProblem& p, int64_t n) {
  Eight sums[kOutputs][kRows];
  Eight offsets[kOutputs][kRows];
  for (int o = 0; o < kOutputs; ++o) {
    for (int m = 0; m < kRows; ++m) {
      sums[o][m] = Eight::zero();
      offsets[o][m] = Eight::zero();
    }
  }
  const int64_t full = p.groups / kInt8Step;
  constexpr int64_t kStepBytes =
      static_cast<int64_t>(sizeof(typename Format::Block)) * kInt8Step / Format::kGroupsInBlock;
  for (int64_t step = 0; step < full; ++step) {
#pragma GCC unroll 4
    for (int o = 0; o < kOutputs; ++o) {
      const uint8_t* row = p.w + (n + o * p.far) * p.row_bytes;
      for (int64_t line = 0; line < kStepBytes; line += 64)
        __builtin_prefetch(row + step * kStepBytes + line + kPrefetchAhead);
      add_step<Format, kRows>(p, row, step, kInt8Step, sums[o], offsets[o]);
    }
  }
  if constexpr (Format::kGroupsInBlock == 1) {
    const int left = static_cast<int>(p.groups % kInt8Step);
    for (int o = 0; left > 0 && o < kOutputs; ++o) {
      const uint8_t* row = p.w + (n + o * p.far) * p.row_bytes;
      add_step<Format, kRows>(p, row, full, left, sums[o], offsets[o]);
    }
  }
  for (int o = 0; o < kOutputs; ++o) {
    for (int m = 0; m < kRows; ++m)
      p.out[m * p.out_stride + n + o * p.far] = sums[o][m].sum() + offsets[o][m].sum();
  }
}

template <typename Format, int kRows>
ONMAL_INLINE void few_rows(FewProblem p, int64_t outputs) {
  constexpr int kOutputs = kRows == 1 ? 4 : 2;
  p.far = outputs / kOutputs;
  for (int64_t n = 0; n < p.far; ++n) few_tile<Format, kOutputs, kRows>(p, n);
  for (int64_t n = p.far * kOutputs; n < outputs; ++n) few_tile<Format, 1, kRows>(p, n);
}

struct FewAction {
  const FewProblem& p;
  int64_t outputs;
  int64_t rows;

  template <typename Format>
  void run() {
#if !defined(ONMAL_ISA_AVX512) && !defined(ONMAL_ISA_AVX2)
    // Without vectors of bytes nothing is gained by taking rows together.
    for (int64_t m = 0; m < rows; ++m) {
      FewProblem one = p;
      one.row = p.row + m;
      one.out = p.out + m * p.out_stride;
      one.far = 0;
      for (int64_t n = 0; n < outputs; ++n) few_tile<Format, 1, 1>(one, n);
    }
#else
    switch (rows) {
      case 1:
        return few_rows<Format, 1>(p, outputs);
      case 2:
        return few_rows<Format, 2>(p, outputs);
      case 3:
        return few_rows<Format, 3>(p, outputs);
      default:
        return few_rows<Format, 4>(p, outputs);
    }
#endif
  }
};

}  // namespace onmal::kernels::ONMAL_ISA

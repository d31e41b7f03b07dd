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
  static ONMAL_INLINE Eight all(float x) { return {_mm256_set1_ps(x)}; }
  // Lane i everywhere (i a constant once unrolled): by shuffles, since a load of what was just
  // stored would wait for it.
  ONMAL_INLINE Eight lane(int i) const {
    const __m256 half =
        i < 4 ? _mm256_permute2f128_ps(v, v, 0x00) : _mm256_permute2f128_ps(v, v, 0x11);
    switch (i % 4) {
      case 0:
        return {_mm256_permute_ps(half, 0x00)};
      case 1:
        return {_mm256_permute_ps(half, 0x55)};
      case 2:
        return {_mm256_permute_ps(half, 0xAA)};
      default:
        return {_mm256_permute_ps(half, 0xFF)};
    }
  }
  // Lane i in the lower half, lane i + 1 in the upper one; i even.
  ONMAL_INLINE Eight lanes(int i) const {
    const __m256i first = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    return {_mm256_permutevar8x32_ps(v, _mm256_add_epi32(first, _mm256_set1_epi32(i)))};
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

#if defined(__AVX512VNNI__)

// Products keep the zero of 8-bit formats: unsigned weights times signed x (add_products).
constexpr bool kKeepsWideZero = true;

#else

// Full range of u (up to 255): products of pairs would overflow 16 bits, so signs move from the
// weights, whose zero is taken off (Format::kZero = 128 there), to x.
template <typename Format>
ONMAL_INLINE Eight products(const Bytes32& u, const int8_t* x) {
  const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x));
  __m256i pairs;
  if constexpr (Format::kBits == 8) {
    const __m256i weights = u.offset().v;
    pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(values, weights));
  } else {
    pairs = _mm256_maddubs_epi16(u.v, values);
  }
  return {_mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
}
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
  static ONMAL_INLINE Eight all(float x) { return all(&x); }
  ONMAL_INLINE Eight lane(int i) const { return all(v[i]); }
  ONMAL_INLINE Eight lanes(int i) const {
    Eight out;
    for (int j = 0; j < 8; ++j) out.v[j] = v[i + j / 4];
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
  Int8Rows x;
  int64_t row;
  int64_t rows;
  float* out;
  int64_t out_stride;
};

constexpr int64_t kPrefetchAhead = 1024;

// Where one row of x stands at a step. Values of its own: the compiler cannot know that the stores
// below leave a pointer elsewhere alone, and would read it again and again.
struct RowPlace {
  const int8_t* values;
  const float* scales;
  const float* totals;  // sums of groups, or of their halves
};

template <typename Format>
constexpr bool kHasOffsets = Format::kHasMinimum ||
                             (Format::kZero != 0 && (Format::kBits < 8 || kKeepsWideZero));

template <typename Format>
ONMAL_INLINE RowPlace place_at(const FewProblem& p, int64_t m) {
  const int64_t at = (p.row + m) * p.x.groups;
  return {p.x.values + at * kInt8Group, p.x.scales + at,
          Format::kHalves == 1 ? p.x.sums + at : p.x.half_sums + 2 * at};
}

// The part of a step's sums that is the same for all values of a group: zeros and minima.
template <typename Format>
ONMAL_INLINE Eight offsets_of(const Eight* scales, const Eight* minima, const float* totals,
                              Eight sum) {
  for (int h = 0; h < Format::kHalves; ++h) {
    const Eight below = Format::kHasMinimum
                            ? Eight::zero() - minima[h]
                            : scales[h] * Eight::all(-static_cast<float>(Format::kZero));
    sum = Eight::fma(below, Eight::load(totals + 8 * h), sum);
  }
  return sum;
}

// kChains: sums of one output and row of x; two, where additions would wait for each other. As many
// for any number of rows, whose results are to be the same in any company.
#if defined(__AVX512VNNI__)

// Two groups at once.
constexpr int kChains = 1;
struct Sums {
  __m512 v;
  static ONMAL_INLINE Sums zero() { return {_mm512_setzero_ps()}; }
  ONMAL_INLINE float sum() const {
    return Eight{_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1))}.sum();
  }
};

// Scales of the lanes of groups 2 * pair and 2 * pair + 1.
template <typename Format>
ONMAL_INLINE __m512 pair_scales(__m512 step_scales, int pair) {
  const __m512i first = Format::kHalves == 1
                            ? _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1)
                            : _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  const __m512i which = _mm512_add_epi32(first, _mm512_set1_epi32(2 * Format::kHalves * pair));
  return _mm512_permutexvar_ps(which, step_scales);
}

// w scale * x scale for each group of a step, or half of one.
template <typename Format>
ONMAL_INLINE __m512 step_factors(const Eight* scales, const float* x_scales) {
  const __m512 x = _mm512_castps256_ps512(_mm256_loadu_ps(x_scales));
  if constexpr (Format::kHalves == 1) return _mm512_mul_ps(_mm512_castps256_ps512(scales[0].v), x);
  const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  return _mm512_mul_ps(_mm512_insertf32x8(_mm512_castps256_ps512(scales[0].v), scales[1].v, 1),
                       _mm512_permutexvar_ps(twice, x));
}

template <typename Format, int kRows>
ONMAL_INLINE void add_products(const typename Format::Block* block, int groups,
                               const Eight (&scales)[Format::kHalves], const RowPlace (&x)[kRows],
                               Sums (&sums)[kRows][kChains]) {
  __m512 factors[kRows];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) factors[m] = step_factors<Format>(scales, x[m].scales);
#pragma GCC unroll 4
  for (int pair = 0; pair < kInt8Step / 2; ++pair) {
    const int g = 2 * pair;
    if (g >= groups) break;
    __m512i u = _mm512_zextsi256_si512(Format::bytes(block, g).v);
    if (g + 1 < groups) u = _mm512_inserti64x4(u, Format::bytes(block, g + 1).v, 1);
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      const __m512i values = _mm512_loadu_si512(x[m].values + g * kInt8Group);
      const __m512 found =
          _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(_mm512_setzero_si512(), u, values));
      __m512& sum = sums[m][0].v;
      sum = _mm512_fmadd_ps(found, pair_scales<Format>(factors[m], pair), sum);
    }
  }
}

#else

constexpr int kChains = 2;
typedef Eight Sums;

template <typename Format, int kRows>
ONMAL_INLINE void add_products(const typename Format::Block* block, int groups,
                               const Eight (&scales)[Format::kHalves], const RowPlace (&x)[kRows],
                               Sums (&sums)[kRows][kChains]) {
  Eight factors[kRows];
#pragma GCC unroll 4
  for (int m = 0; m < kRows; ++m)
    factors[m] = Format::kHalves == 1 ? scales[0] * Eight::load(x[m].scales) : Eight::zero();
  ONMAL_UNROLL_BYTES
  for (int g = 0; g < kInt8Step; ++g) {
    if (g >= groups) break;
    const Bytes32 u = Format::bytes(block, g);
#pragma GCC unroll 4
    for (int m = 0; m < kRows; ++m) {
      const Eight found = products<Format>(u, x[m].values + g * kInt8Group);
      Eight& sum = sums[m][g % kChains];
      if constexpr (Format::kHalves == 1) {
        sum = Eight::fma(found, factors[m].lane(g), sum);
      } else {
        sum =
            Eight::fma(found * Eight::all(x[m].scales + g), scales[g / 4].lanes(2 * (g % 4)), sum);
      }
    }
  }
}

#endif

// One step of one row of weights.
template <typename Format, int kRows>
ONMAL_INLINE void add_step(const typename Format::Block* block, int groups,
                           const RowPlace (&x)[kRows], Sums (&sums)[kRows][kChains],
                           Eight (&offsets)[kRows]) {
  float scale_values[16];
  float minimum_values[16];
  Format::scales(block, groups, scale_values, minimum_values);
  Eight scales[Format::kHalves];
  Eight minima[Format::kHalves];
  for (int h = 0; h < Format::kHalves; ++h) {
    scales[h] = Eight::load(scale_values + 8 * h);
    if constexpr (Format::kHasMinimum) minima[h] = Eight::load(minimum_values + 8 * h);
  }
  if constexpr (kHasOffsets<Format>) {
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m)
      offsets[m] = offsets_of<Format>(scales, minima, x[m].totals, offsets[m]);
  }
  add_products<Format, kRows>(block, groups, scales, x, sums);
}

template <typename Format, int kOutputs, int kRows>
ONMAL_INLINE void few_tile(const FewProblem& p, int64_t n) {
  typedef typename Format::Block Block;
  constexpr int64_t kStepBlocks = kInt8Step / Format::kGroupsInBlock;
  constexpr int64_t kStepBytes = static_cast<int64_t>(sizeof(Block)) * kStepBlocks;
  Sums sums[kOutputs][kRows][kChains];
  Eight offsets[kOutputs][kRows];
  const Block* w[kOutputs];
  RowPlace x[kRows];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) x[m] = place_at<Format>(p, m < p.rows ? m : p.rows - 1);
#pragma GCC unroll 4
  for (int o = 0; o < kOutputs; ++o) {
    w[o] = reinterpret_cast<const Block*>(p.w + (n + o * p.far) * p.row_bytes);
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 2
      for (int chain = 0; chain < kChains; ++chain) sums[o][m][chain] = Sums::zero();
      offsets[o][m] = Eight::zero();
    }
  }
  const int64_t full = p.groups / kInt8Step;
  for (int64_t step = 0; step < full; ++step) {
#pragma GCC unroll 4
    for (int o = 0; o < kOutputs; ++o) {
      for (int64_t line = 0; line < kStepBytes; line += 64)
        __builtin_prefetch(reinterpret_cast<const char*>(w[o]) + line + kPrefetchAhead);
      add_step<Format, kRows>(w[o], kInt8Step, x, sums[o], offsets[o]);
      w[o] += kStepBlocks;
    }
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      x[m].values += kInt8Step * kInt8Group;
      x[m].scales += kInt8Step;
      x[m].totals += kInt8Step * Format::kHalves;
    }
  }
  if constexpr (Format::kGroupsInBlock == 1) {
    const int left = static_cast<int>(p.groups % kInt8Step);
    if (left > 0) {
#pragma GCC unroll 4
      for (int o = 0; o < kOutputs; ++o)
        add_step<Format, kRows>(w[o], left, x, sums[o], offsets[o]);
    }
  }
#pragma GCC unroll 4
  for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      float total = sums[o][m][0].sum();
      if constexpr (kChains == 2) total += sums[o][m][1].sum();
      if (m < p.rows) p.out[m * p.out_stride + n + o * p.far] = total + offsets[o][m].sum();
    }
  }
}

// kRows of x, the last ones in vain where there are fewer.
template <typename Format, int kRows>
ONMAL_INLINE void few_rows(FewProblem p, int64_t outputs) {
  constexpr int kOutputs = kRows == 1 ? 4 : kRows < 8 ? 2 : 1;
  p.far = outputs / kOutputs;
  for (int64_t n = 0; n < p.far; ++n) few_tile<Format, kOutputs, kRows>(p, n);
  for (int64_t n = p.far * kOutputs; n < outputs; ++n) few_tile<Format, 1, kRows>(p, n);
}

#if defined(__AVX512VNNI__)
constexpr int64_t kFewAtOnce = 8;
#elif defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
constexpr int64_t kFewAtOnce = 4;
#else
constexpr int64_t kFewAtOnce = 1;  // without vectors of bytes nothing is gained by more
#endif

struct FewAction {
  const FewProblem& p;
  int64_t outputs;

  template <typename Format>
  void run() {
    for (int64_t m = 0; m < p.rows; m += kFewAtOnce) {
      FewProblem part = p;
      part.row += m;
      part.rows = p.rows - m < kFewAtOnce ? p.rows - m : kFewAtOnce;
      part.out += m * p.out_stride;
      some_rows<Format>(part);
    }
  }

  template <typename Format>
  ONMAL_INLINE void some_rows(const FewProblem& part) {
    if (part.rows == 1) return few_rows<Format, 1>(part, outputs);
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
    if (part.rows == 2) return few_rows<Format, 2>(part, outputs);
#if defined(__AVX512VNNI__)
    if (part.rows > 4) return few_rows<Format, 8>(part, outputs);
#endif
    return few_rows<Format, 4>(part, outputs);
#endif
  }
};

}  // namespace onmal::kernels::ONMAL_ISA

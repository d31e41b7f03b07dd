#include "kernels/int16.h"

#include "kernels/vec.h"
#include "kernels/vector/transpose.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

constexpr int kTileRows = 12;
constexpr int kOutputs = static_cast<int>(kInt16PanelOutputs);
constexpr int kPairs = static_cast<int>(kInt16Group / 2);
constexpr int kMostLanes = 16;

// How sixteen stored values become floats.
struct ReadF32 {
  typedef float Stored;
  static ONMAL_INLINE __m512 load(const float* p) { return _mm512_loadu_ps(p); }
};
struct ReadF16 {
  typedef uint16_t Stored;
  static ONMAL_INLINE __m512 load(const uint16_t* p) { return Vec::load_f16(p).v; }
};
struct ReadBF16 {
  typedef uint16_t Stored;
  static ONMAL_INLINE __m512 load(const uint16_t* p) { return Vec::load_bf16(p).v; }
};

// Sixteen rows of sixteen words, transposed in registers.
ONMAL_INLINE void transpose16(__m512i (&r)[16]) {
  transpose_fours(r);
  __m512i a[16];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i low01 = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x44);
    const __m512i high01 = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xEE);
    const __m512i low23 = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x44);
    const __m512i high23 = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xEE);
    a[j] = _mm512_shuffle_i32x4(low01, low23, 0x88);
    a[4 + j] = _mm512_shuffle_i32x4(low01, low23, 0xDD);
    a[8 + j] = _mm512_shuffle_i32x4(high01, high23, 0x88);
    a[12 + j] = _mm512_shuffle_i32x4(high01, high23, 0xDD);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) r[i] = a[i];
}

// The largest of 32 magnitudes, as the bits of a float: NaN and infinity are above all numbers.
template <typename Read>
ONMAL_INLINE uint32_t largest_bits(const typename Read::Stored* p) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  const __m512i a = _mm512_and_si512(_mm512_castps_si512(Read::load(p)), magnitude);
  const __m512i b = _mm512_and_si512(_mm512_castps_si512(Read::load(p + 16)), magnitude);
  return _mm512_reduce_max_epu32(_mm512_max_epu32(a, b));
}

template <typename Read>
ONMAL_INLINE __m512i rounded(const typename Read::Stored* p, __m512 inverse) {
  const __m512i low = _mm512_cvtps_epi32(_mm512_mul_ps(Read::load(p), inverse));
  const __m512i high = _mm512_cvtps_epi32(_mm512_mul_ps(Read::load(p + 16), inverse));
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(low)),
                            _mm512_cvtepi32_epi16(high), 1);
}

template <typename Read, int kLanes>
void pack(const typename Read::Stored* from, int64_t stride, int64_t rows, int64_t groups,
          const Int16Lanes& out) {
  constexpr auto kStored = static_cast<__mmask16>((1U << kLanes) - 1);
  const int count = static_cast<int>(rows);
  int16_t* values = out.values;
  for (int64_t g = 0; g < groups; ++g) {
    const auto* place = from + g * kInt16Group;
    alignas(64) uint32_t most[kMostLanes] = {};
    alignas(64) float inverse[kMostLanes];
    for (int i = 0; i < count; ++i) most[i] = largest_bits<Read>(place + i * stride);
    const __m512i bits = _mm512_load_si512(most);
    const __m512 top = _mm512_castsi512_ps(bits);
    // A group below 1e-30 counts as zero: the inverse would overflow.
    const __mmask16 some = _mm512_cmp_ps_mask(top, _mm512_set1_ps(1e-30F), _CMP_GT_OQ);
    const __mmask16 bad = _mm512_cmpge_epu32_mask(bits, _mm512_set1_epi32(0x7F800000));
    _mm512_store_ps(inverse, _mm512_maskz_div_ps(some, _mm512_set1_ps(kInt16Most), top));
    __m512 scale = _mm512_maskz_mul_ps(some, top, _mm512_set1_ps(1.0F / kInt16Most));
    scale = _mm512_mask_mov_ps(scale, bad, _mm512_set1_ps(__builtin_nanf("")));
    _mm512_mask_storeu_ps(out.scales + g * kLanes, kStored, scale);
    __m512i words[kMostLanes];
    for (int i = 0; i < kMostLanes; ++i) {
      words[i] = i < count ? rounded<Read>(place + i * stride, _mm512_set1_ps(inverse[i]))
                           : _mm512_setzero_si512();
    }
    transpose16(words);
#pragma GCC unroll 16
    for (int q = 0; q < kPairs; ++q)
      _mm512_mask_storeu_epi32(values + q * kLanes * 2, kStored, words[q]);
    values += kPairs * kLanes * 2;
  }
}

void pack_tile(const float* x, int64_t stride, int64_t rows, int64_t groups,
               const Int16Lanes& tile) {
  pack<ReadF32, kTileRows>(x, stride, rows, groups, tile);
}

void pack_panel(DType dtype, const uint16_t* w, int64_t stride, int64_t rows, int64_t groups,
                const Int16Lanes& panel) {
  if (dtype == DType::kF16) return pack<ReadF16, kOutputs>(w, stride, rows, groups, panel);
  pack<ReadBF16, kOutputs>(w, stride, rows, groups, panel);
}

ONMAL_INLINE __m512i pair(const int16_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm512_set1_epi32(word);
}

void multiply(const Int16Lanes& tile, const Int16Lanes& panel, int64_t groups, int64_t rows,
              int64_t columns, bool accumulate, float* out, int64_t out_stride) {
  Vec totals[kTileRows];
#pragma GCC unroll 12
  for (int m = 0; m < kTileRows; ++m) totals[m] = Vec::zero();
  const int16_t* x = tile.values;
  const int16_t* w = panel.values;
  for (int64_t g = 0; g < groups; ++g) {
    __m512i sums[kTileRows];
#pragma GCC unroll 12
    for (int m = 0; m < kTileRows; ++m) sums[m] = _mm512_setzero_si512();
#pragma GCC unroll 16
    for (int q = 0; q < kPairs; ++q) {
      const __m512i weights = _mm512_loadu_si512(w + q * kOutputs * 2);
#pragma GCC unroll 12
      for (int m = 0; m < kTileRows; ++m)
        sums[m] = _mm512_dpwssd_epi32(sums[m], weights, pair(x + (q * kTileRows + m) * 2));
    }
    const Vec scale = Vec::load(panel.scales + g * kOutputs);
#pragma GCC unroll 12
    for (int m = 0; m < kTileRows; ++m) {
      totals[m] = Vec::fma({_mm512_cvtepi32_ps(sums[m])},
                           scale * Vec::all(tile.scales[g * kTileRows + m]), totals[m]);
    }
    x += kPairs * kTileRows * 2;
    w += kPairs * kOutputs * 2;
  }
  const auto mask = static_cast<__mmask16>((1U << columns) - 1);
#pragma GCC unroll 12
  for (int m = 0; m < kTileRows; ++m) {
    if (m >= rows) break;
    float* row = out + m * out_stride;
    const __m512 before = accumulate ? _mm512_maskz_loadu_ps(mask, row) : _mm512_setzero_ps();
    _mm512_mask_storeu_ps(row, mask, _mm512_add_ps(before, totals[m].v));
  }
}

}  // namespace

extern const Int16Kernels kInt16;
const Int16Kernels kInt16 = {kTileRows, pack_tile, pack_panel, multiply};

}  // namespace onmal::kernels::ONMAL_ISA

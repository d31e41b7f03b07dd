#include "kernels/int16.h"

#include "kernels/vector/int8_pack.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

constexpr int kOutputs = static_cast<int>(kInt16PanelOutputs);
constexpr int kPairs = static_cast<int>(kInt16Group / 2);

// How eight stored values become floats.
struct ReadF32 {
  typedef float Stored;
  static ONMAL_INLINE __m256 load(const float* p) { return _mm256_loadu_ps(p); }
};
struct ReadF16 {
  typedef uint16_t Stored;
  static ONMAL_INLINE __m256 load(const uint16_t* p) { return Vec::load_f16(p).v; }
};
struct ReadBF16 {
  typedef uint16_t Stored;
  static ONMAL_INLINE __m256 load(const uint16_t* p) { return Vec::load_bf16(p).v; }
};

// The largest of 32 magnitudes, as the bits of a float: NaN and infinity are above all numbers.
ONMAL_INLINE int32_t largest_bits(const __m256 (&x)[4]) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  __m256i most = _mm256_castps_si256(_mm256_andnot_ps(sign, x[0]));
#pragma GCC unroll 3
  for (int i = 1; i < 4; ++i)
    most = _mm256_max_epi32(most, _mm256_castps_si256(_mm256_andnot_ps(sign, x[i])));
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}

// Rounds one group to 32 values of 16 bits; returns its scale.
template <typename Read>
ONMAL_INLINE float round_group(const typename Read::Stored* from, __m256i* values) {
  __m256 x[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) x[i] = Read::load(from + 8 * i);
  const int32_t bits = largest_bits(x);
  float most;
  __builtin_memcpy(&most, &bits, sizeof most);
  const bool bad = bits >= 0x7F800000;
  // A group below 1e-30 counts as zero: the inverse would overflow.
  const float inverse = most > 1e-30F && !bad ? kInt16Most / most : 0.0F;
  __m256i words[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    words[i] = _mm256_cvtps_epi32(_mm256_mul_ps(x[i], _mm256_set1_ps(inverse)));
  values[0] = _mm256_permute4x64_epi64(_mm256_packs_epi32(words[0], words[1]), 0xD8);
  values[1] = _mm256_permute4x64_epi64(_mm256_packs_epi32(words[2], words[3]), 0xD8);
  if (bad) return __builtin_nanf("");
  return inverse == 0.0F ? 0.0F : most * (1.0F / kInt16Most);
}

// Group g of sixteen rows or of kTileRows; `halves` gets each row's 16 words, 8 by 8.
template <typename Read, int kLanes>
ONMAL_INLINE void round_rows(const typename Read::Stored* from, int64_t stride, int64_t rows,
                             float* scales, __m256i (&halves)[2][kLanes]) {
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; ++i) {
    __m256i values[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    scales[i] = i < rows ? round_group<Read>(from + i * stride, values) : 0.0F;
    halves[0][i] = values[0];
    halves[1][i] = values[1];
  }
}

static_assert(kTileRows == 4);

// Four rows of eight words, transposed: eight times four words.
ONMAL_INLINE void store_columns(const __m256i (&rows)[kTileRows], int16_t* out) {
  const __m256i low01 = _mm256_unpacklo_epi32(rows[0], rows[1]);
  const __m256i high01 = _mm256_unpackhi_epi32(rows[0], rows[1]);
  const __m256i low23 = _mm256_unpacklo_epi32(rows[2], rows[3]);
  const __m256i high23 = _mm256_unpackhi_epi32(rows[2], rows[3]);
  const __m256i columns[4] = {
      _mm256_unpacklo_epi64(low01, low23), _mm256_unpackhi_epi64(low01, low23),
      _mm256_unpacklo_epi64(high01, high23), _mm256_unpackhi_epi64(high01, high23)};
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + q * 8), _mm256_castsi256_si128(columns[q]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + (q + 4) * 8),
                     _mm256_extracti128_si256(columns[q], 1));
  }
}

void pack_tile(const float* x, int64_t stride, int64_t rows, int64_t groups,
               const Int16Lanes& tile) {
  for (int64_t g = 0; g < groups; ++g) {
    __m256i halves[2][kTileRows];
    round_rows<ReadF32>(x + g * kInt16Group, stride, rows, tile.scales + g * kTileRows, halves);
    int16_t* out = tile.values + g * kPairs * kTileRows * 2;
    store_columns(halves[0], out);
    store_columns(halves[1], out + kPairs * kTileRows);
  }
}

template <typename Read>
void pack_rows(const uint16_t* w, int64_t stride, int64_t rows, int64_t groups,
               const Int16Lanes& panel) {
  for (int64_t g = 0; g < groups; ++g) {
    __m256i halves[2][kOutputs];
    round_rows<Read>(w + g * kInt16Group, stride, rows, panel.scales + g * kOutputs, halves);
    auto* out = reinterpret_cast<uint8_t*>(panel.values + g * kPairs * kOutputs * 2);
    interleave_quads(reinterpret_cast<const uint8_t*>(halves[0]), out);
    interleave_quads(reinterpret_cast<const uint8_t*>(halves[1]), out + kPairs / 2 * kOutputs * 4);
  }
}

void pack_panel(DType dtype, const uint16_t* w, int64_t stride, int64_t rows, int64_t groups,
                const Int16Lanes& panel) {
  if (dtype == DType::kF16) return pack_rows<ReadF16>(w, stride, rows, groups, panel);
  pack_rows<ReadBF16>(w, stride, rows, groups, panel);
}

void multiply(const Int16Lanes& tile, const Int16Lanes& panel, int64_t groups, int64_t rows,
              int64_t columns, bool accumulate, float* out, int64_t out_stride) {
  Vec totals[kTileRows][kVecs];
  for (int m = 0; m < kTileRows; ++m) {
    for (int v = 0; v < kVecs; ++v) totals[m][v] = Vec::zero();
  }
  for (int64_t g = 0; g < groups; ++g) {
    Sums sums;
    add_pairs({reinterpret_cast<const uint8_t*>(panel.values + g * kPairs * kOutputs * 2)},
              reinterpret_cast<const int32_t*>(tile.values + g * kPairs * kTileRows * 2), 0, kPairs,
              sums);
#pragma GCC unroll 2
    for (int v = 0; v < kVecs; ++v) {
      const Vec scale = Vec::load(panel.scales + g * kOutputs + v * Vec::kWidth);
#pragma GCC unroll 4
      for (int m = 0; m < kTileRows; ++m) {
        totals[m][v] = Vec::fma(sums[m][v].floats(),
                                scale * Vec::all(tile.scales[g * kTileRows + m]), totals[m][v]);
      }
    }
  }
  const TileProblem target{{}, 0, {}, groups, rows, columns, accumulate, out, out_stride};
  store_tile(target, totals);
}

}  // namespace

extern const Int16Kernels kInt16;
const Int16Kernels kInt16 = {kTileRows, pack_tile, pack_panel, multiply};

}  // namespace onmal::kernels::ONMAL_ISA

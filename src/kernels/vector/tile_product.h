#pragma once

#include "kernels/vec.h"

// Small products that stay in the first-level cache: c[rows, columns] (+)= a · b, where element (r,
// k) of a is a[r * row_step + k * depth_step], and b and c are row-major with their strides.
namespace onmal::kernels::ONMAL_ISA {

struct TileProduct {
  int64_t depths;
  const float* a;
  int64_t row_step, depth_step;
  const float* b;
  int64_t b_stride;
  float* c;
  int64_t c_stride;
  bool accumulate;
};

template <int kRows, int kVectors>
ONMAL_INLINE void tile_part(const TileProduct& p, int64_t row, int64_t column) {
  Vec sums[kRows][kVectors];
  float* c = p.c + row * p.c_stride + column;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = p.accumulate ? Vec::load(c + r * p.c_stride + v * Vec::kWidth) : Vec::zero();
    }
  }
  const float* a = p.a + row * p.row_step;
  const float* b = p.b + column;
  for (int64_t k = 0; k < p.depths; ++k, a += p.depth_step, b += p.b_stride) {
    Vec right[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) right[v] = Vec::load(b + v * Vec::kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vec left = Vec::all(a[r * p.row_step]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = Vec::fma(left, right[v], sums[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v].store(c + r * p.c_stride + v * Vec::kWidth);
  }
}

inline void tile_scalar(const TileProduct& p, int64_t row, int64_t column) {
  float sum = p.accumulate ? p.c[row * p.c_stride + column] : 0.0F;
  for (int64_t k = 0; k < p.depths; ++k) {
    sum += p.a[row * p.row_step + k * p.depth_step] * p.b[k * p.b_stride + column];
  }
  p.c[row * p.c_stride + column] = sum;
}

#if defined(ONMAL_ISA_AVX512)
inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = 4;
#elif defined(ONMAL_ISA_AVX2)
inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = 2;
#else
inline constexpr int kTileRows = 4;
inline constexpr int kTileVectors = 2;
#endif

template <int kVectors>
ONMAL_INLINE void tile_rows(const TileProduct& p, int64_t rows, int64_t column) {
  int64_t r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) tile_part<kTileRows, kVectors>(p, r, column);
  for (; r + 2 <= rows; r += 2) tile_part<2, kVectors>(p, r, column);
  if (r < rows) tile_part<1, kVectors>(p, r, column);
}

inline void tile_product(const TileProduct& p, int64_t rows, int64_t columns) {
  int64_t column = 0;
  for (; column + kTileVectors * Vec::kWidth <= columns; column += kTileVectors * Vec::kWidth) {
    tile_rows<kTileVectors>(p, rows, column);
  }
  for (; column + Vec::kWidth <= columns; column += Vec::kWidth) tile_rows<1>(p, rows, column);
  for (; column < columns; ++column) {
    for (int64_t r = 0; r < rows; ++r) tile_scalar(p, r, column);
  }
}

}  // namespace onmal::kernels::ONMAL_ISA

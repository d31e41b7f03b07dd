#pragma once

#include "kernels/vec.h"

// The innermost loops of a product of packed panels. Product says how two words are multiplied:
//   Words                    a vector of words
//   load(p), all(p)          kWidth words; one word in every place
//   add_product(a, b, sum)   sum + a · b
namespace onmal::kernels::ONMAL_ISA {

// Registers: kRows * kVectors sums, kVectors of the right factor, one broadcast of the left.
#if defined(ONMAL_ISA_AVX512)
inline constexpr int kRows = 12;
inline constexpr int kVectors = 2;
#elif defined(ONMAL_ISA_AVX2)
inline constexpr int kRows = 4;
inline constexpr int kVectors = 3;
#elif defined(ONMAL_ISA_NEON)
inline constexpr int kRows = 8;
inline constexpr int kVectors = 2;
#else
inline constexpr int kRows = 4;
inline constexpr int kVectors = 2;
#endif
inline constexpr int kColumns = kVectors * Vec::kWidth;

struct TileTarget {
  const float* bias;  // may be null
  float* c;
  int64_t c_stride;
  bool accumulate;
};

// The first kHeight lanes of the left panel against the right one.
template <typename Product, int kHeight>
void multiply_tile(int64_t words, const float* a, const float* b, const TileTarget& target) {
  Vec sums[kHeight][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kHeight; ++r) {
    // The result's cache lines arrive while the sums are made.
    __builtin_prefetch(target.c + r * target.c_stride, 1);
    __builtin_prefetch(target.c + r * target.c_stride + kColumns - 1, 1);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = Vec::zero();
  }
  for (int64_t k = 0; k < words; ++k) {
    typename Product::Words right[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) right[v] = Product::load(b + v * Vec::kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < kHeight; ++r) {
      const typename Product::Words left = Product::all(a + r);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        sums[r][v] = Product::add_product(left, right[v], sums[r][v]);
      }
    }
    a += kRows;
    b += kColumns;
  }
#pragma GCC unroll 16
  for (int r = 0; r < kHeight; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* place = target.c + r * target.c_stride + v * Vec::kWidth;
      Vec sum = sums[r][v];
      if (target.bias != nullptr) sum = sum + Vec::load(target.bias + v * Vec::kWidth);
      if (target.accumulate) sum = sum + Vec::load(place);
      sum.store(place);
    }
  }
}

// A tile at the border: computed into a buffer, copied in part.
template <typename Product>
void multiply_border(int64_t words, int64_t rows, int64_t columns, const float* a, const float* b,
                     const TileTarget& target) {
  float buffer[kRows * kColumns];
  const TileTarget whole = {nullptr, buffer, kColumns, false};
  if (rows <= 2) {
    multiply_tile<Product, 2>(words, a, b, whole);
  } else if (rows <= 4) {
    multiply_tile<Product, 4>(words, a, b, whole);
  } else if (kRows > 8 && rows <= 8) {
    multiply_tile < Product, kRows<8 ? kRows : 8>(words, a, b, whole);
  } else {
    multiply_tile<Product, kRows>(words, a, b, whole);
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < columns; ++j) {
      float sum = buffer[r * kColumns + j];
      if (target.bias != nullptr) sum += target.bias[j];
      float& place = target.c[r * target.c_stride + j];
      place = target.accumulate ? place + sum : sum;
    }
  }
}

template <typename Product>
void multiply_panels(int64_t words, int64_t rows, int64_t columns, const float* a, const float* b,
                     const float* bias, float* c, int64_t c_stride, bool accumulate) {
  for (int64_t j = 0; j < columns; j += kColumns) {
    for (int64_t i = 0; i < rows; i += kRows) {
      const TileTarget target = {bias == nullptr ? nullptr : bias + j, c + i * c_stride + j,
                                 c_stride, accumulate};
      if (i + kRows <= rows && j + kColumns <= columns) {
        multiply_tile<Product, kRows>(words, a + i * words, b + j * words, target);
      } else {
        multiply_border<Product>(words, rows - i < kRows ? rows - i : kRows,
                                 columns - j < kColumns ? columns - j : kColumns, a + i * words,
                                 b + j * words, target);
      }
    }
  }
}

}  // namespace onmal::kernels::ONMAL_ISA

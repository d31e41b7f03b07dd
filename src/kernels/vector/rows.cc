#include "kernels/rows.h"

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

// Columns are taken so many vectors at a time: their sums stay in registers over all rows.
constexpr int kColumns = 8;

ONMAL_INLINE const float* row(const RowSelection& rows, int64_t i) {
  return rows.data + rows.ids[i] * rows.stride;
}

// The block of kVectors vectors from column j: sum of rows, each times its factor when weighted.
template <int kVectors, bool kWeighted>
ONMAL_INLINE void add_block(const RowSelection& rows, int64_t j, const float* factors, float scale,
                            float* out) {
  Vec sums[kVectors];
  for (int v = 0; v < kVectors; ++v) sums[v] = Vec::zero();
  for (int64_t i = 0; i < rows.count; ++i) {
    const float* x = row(rows, i) + j;
    if constexpr (kWeighted) {
      const Vec factor = Vec::all(factors[i]);
      for (int v = 0; v < kVectors; ++v)
        sums[v] = Vec::fma(factor, Vec::load(x + v * Vec::kWidth), sums[v]);
    } else {
      for (int v = 0; v < kVectors; ++v) sums[v] = sums[v] + Vec::load(x + v * Vec::kWidth);
    }
  }
  const Vec scales = Vec::all(scale);
  for (int v = 0; v < kVectors; ++v) (sums[v] * scales).store(out + j + v * Vec::kWidth);
}

template <bool kWeighted>
ONMAL_INLINE void add_rows(const RowSelection& rows, int64_t width, const float* factors,
                           float scale, float* out) {
  int64_t j = 0;
  for (; j + kColumns * Vec::kWidth <= width; j += kColumns * Vec::kWidth)
    add_block<kColumns, kWeighted>(rows, j, factors, scale, out);
  for (; j + 4 * Vec::kWidth <= width; j += 4 * Vec::kWidth)
    add_block<4, kWeighted>(rows, j, factors, scale, out);
  for (; j + Vec::kWidth <= width; j += Vec::kWidth)
    add_block<1, kWeighted>(rows, j, factors, scale, out);
  for (; j < width; ++j) {
    float sum = 0.0F;
    for (int64_t i = 0; i < rows.count; ++i)
      sum += kWeighted ? factors[i] * row(rows, i)[j] : row(rows, i)[j];
    out[j] = scale * sum;
  }
}

void sum(const RowSelection& rows, int64_t width, float factor, float* out) {
  add_rows<false>(rows, width, nullptr, factor, out);
}

void combine(const RowSelection& rows, int64_t width, const float* factors, float* out) {
  add_rows<true>(rows, width, factors, 1.0F, out);
}

template <int kRows>
ONMAL_INLINE void dot_rows(const RowSelection& rows, int64_t first, int64_t width, const float* x,
                           float* out) {
  Vec sums[kRows];
  for (int r = 0; r < kRows; ++r) sums[r] = Vec::zero();
  int64_t j = 0;
  for (; j + Vec::kWidth <= width; j += Vec::kWidth) {
    const Vec values = Vec::load(x + j);
    for (int r = 0; r < kRows; ++r)
      sums[r] = Vec::fma(Vec::load(row(rows, first + r) + j), values, sums[r]);
  }
  for (int r = 0; r < kRows; ++r) {
    float total = sums[r].sum();
    for (int64_t k = j; k < width; ++k) total += row(rows, first + r)[k] * x[k];
    out[first + r] = total;
  }
}

void dot(const RowSelection& rows, int64_t width, const float* x, float* out) {
  int64_t i = 0;
  for (; i + 4 <= rows.count; i += 4) dot_rows<4>(rows, i, width, x, out);
  for (; i < rows.count; ++i) dot_rows<1>(rows, i, width, x, out);
}

void logistic(const float* x, float* out, int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) sigmoid(Vec::load(x + i)).store(out + i);
  if (i == count) return;
  float rest[Vec::kWidth] = {};
  for (int64_t k = i; k < count; ++k) rest[k - i] = x[k];
  sigmoid(Vec::load(rest)).store(rest);
  for (int64_t k = i; k < count; ++k) out[k] = rest[k - i];
}

}  // namespace

extern const RowKernels kRows;
const RowKernels kRows = {sum, dot, combine, logistic};

}  // namespace onmal::kernels::ONMAL_ISA

#pragma once

#include <cstdint>

namespace onmal::kernels {

// Some rows of a matrix in any order: row i is data[ids[i] * stride ..], `width` values of it.
struct RowSelection {
  const float* data;
  int64_t stride;
  const int32_t* ids;
  int64_t count;
};

// The loops of embeddings trained by sampling: each touches a few rows far apart.
struct RowKernels {
  // out[j] = factor * sum over i of row_i[j]
  void (*sum)(const RowSelection& rows, int64_t width, float factor, float* out);
  // out[i] = dot(row_i, x)
  void (*dot)(const RowSelection& rows, int64_t width, const float* x, float* out);
  // out[j] = sum over i of factors[i] * row_i[j]
  void (*combine)(const RowSelection& rows, int64_t width, const float* factors, float* out);
  // out[i] = 1 / (1 + e^-x[i]); out may be x.
  void (*logistic)(const float* x, float* out, int64_t count);
};

}  // namespace onmal::kernels

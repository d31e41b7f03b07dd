#pragma once

#include <cstdint>

#include "numeric/dtype.h"

namespace onmal::kernels {

inline constexpr int64_t kMatvecMostRows = 4;

struct MatvecKernels {
  // out[m * out_stride + n] = dot(x[m * inner ..], w row n) for n in [0, outputs), m in [0, rows),
  // rows <= 4; x is f32, w has `outputs` rows of `inner` values of `dtype` one behind the other.
  // Weights are read once, as they stream in.
  void (*multiply)(DType dtype, const void* w, int64_t outputs, int64_t inner, const float* x,
                   int64_t rows, float* out, int64_t out_stride);
};

}  // namespace onmal::kernels

#pragma once

#include <cstdint>

namespace onmal::kernels {

// Rows of `dim` values. Backward kernels add into dweight and dbias, which the caller zeroes and
// adds up over blocks of rows in a fixed order.
struct NormKernels {
  // inverse_rms may be null.
  void (*rms_norm)(const float* x, const float* weight, float epsilon, int64_t rows, int64_t dim,
                   float* out, float* inverse_rms);
  // dx (null: not wanted) is added to when accumulate; dweight (null: not wanted) is always added
  // to.
  void (*rms_norm_backward)(const float* dout, const float* x, const float* weight,
                            const float* inverse_rms, int64_t rows, int64_t dim, float* dx,
                            bool accumulate, float* dweight);
  // bias, mean and inverse_deviation may be null.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float epsilon,
                     int64_t rows, int64_t dim, float* out, float* mean, float* inverse_deviation);
  void (*layer_norm_backward)(const float* dout, const float* x, const float* weight,
                              const float* mean, const float* inverse_deviation, int64_t rows,
                              int64_t dim, float* dx, bool accumulate, float* dweight,
                              float* dbias);
};

}  // namespace onmal::kernels

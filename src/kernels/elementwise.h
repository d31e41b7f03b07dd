#pragma once

#include <cstdint>

namespace onmal::kernels {

struct ElementwiseKernels {
  // out[i] = a[i] + b[i]; out may be a or b.
  void (*add)(const float* a, const float* b, float* out, int64_t count);
  // y[i] += factor * x[i]
  void (*axpy)(float factor, const float* x, float* y, int64_t count);
  // out[i] = factor * x[i]; out may be x.
  void (*scale)(float factor, const float* x, float* out, int64_t count);
};

}  // namespace onmal::kernels

#include "kernels/elementwise.h"

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

void add(const float* a, const float* b, float* out, int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth)
    (Vec::load(a + i) + Vec::load(b + i)).store(out + i);
  for (; i < count; ++i) out[i] = a[i] + b[i];
}

void axpy(float factor, const float* x, float* y, int64_t count) {
  const Vec factors = Vec::all(factor);
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth)
    Vec::fma(factors, Vec::load(x + i), Vec::load(y + i)).store(y + i);
  for (; i < count; ++i) y[i] += factor * x[i];
}

void scale(float factor, const float* x, float* out, int64_t count) {
  const Vec factors = Vec::all(factor);
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) (factors * Vec::load(x + i)).store(out + i);
  for (; i < count; ++i) out[i] = factor * x[i];
}

}  // namespace

extern const ElementwiseKernels kElementwise;
const ElementwiseKernels kElementwise = {add, axpy, scale};

}  // namespace onmal::kernels::ONMAL_ISA

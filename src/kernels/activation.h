#pragma once

#include <cstdint>

namespace onmal::kernels {

// One activation function's loops; out may be an input.
struct ActivationLoops {
  void (*forward)(const float* x, float* out, int64_t count);
  // dx (+)= dout * f'(x)
  void (*backward)(const float* dout, const float* x, float* dx, int64_t count, bool accumulate);
  // out = f(gate) * up
  void (*gated)(const float* gate, const float* up, float* out, int64_t count);
  void (*gated_backward)(const float* dout, const float* gate, const float* up, float* dgate,
                         float* dup, int64_t count);
};

struct ActivationKernels {
  ActivationLoops silu;
  ActivationLoops gelu_tanh;
  ActivationLoops gelu_erf;
  ActivationLoops relu;
};

}  // namespace onmal::kernels

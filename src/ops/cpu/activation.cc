#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {
namespace {

constexpr int64_t kGrain = 1 << 13;

const kernels::ActivationLoops& loops_of(const Exec& exec, Activation f) {
  const kernels::ActivationKernels& kernels = *exec.backend->kernels->activation;
  switch (f) {
    case Activation::kGeluTanh:
      return kernels.gelu_tanh;
    case Activation::kGeluErf:
      return kernels.gelu_erf;
    case Activation::kRelu:
      return kernels.relu;
    case Activation::kSilu:
      break;
  }
  return kernels.silu;
}

}  // namespace

void activation(Exec& exec, Activation f, const Tensor& x, const Tensor& out) {
  exec.pool->for_blocks(0, x.elements(), kGrain, [&](int64_t begin, int64_t end) {
    loops_of(exec, f).forward(x.f32() + begin, out.f32() + begin, end - begin);
  });
}

void activation_backward(Exec& exec, Activation f, const Tensor& dout, const Tensor& x,
                         const Tensor& dx, bool accumulate) {
  exec.pool->for_blocks(0, x.elements(), kGrain, [&](int64_t begin, int64_t end) {
    loops_of(exec, f).backward(dout.f32() + begin, x.f32() + begin, dx.f32() + begin, end - begin,
                               accumulate);
  });
}

void gated(Exec& exec, Activation f, const Tensor& gate, const Tensor& up, const Tensor& out) {
  exec.pool->for_blocks(0, out.elements(), kGrain, [&](int64_t begin, int64_t end) {
    loops_of(exec, f).gated(gate.f32() + begin, up.f32() + begin, out.f32() + begin, end - begin);
  });
}

void gated_backward(Exec& exec, Activation f, const Tensor& dout, const Tensor& gate,
                    const Tensor& up, const Tensor& dgate, const Tensor& dup) {
  exec.pool->for_blocks(0, dout.elements(), kGrain, [&](int64_t begin, int64_t end) {
    loops_of(exec, f).gated_backward(dout.f32() + begin, gate.f32() + begin, up.f32() + begin,
                                     dgate.f32() + begin, dup.f32() + begin, end - begin);
  });
}

}  // namespace onmal::cpu

#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {
namespace {

constexpr int64_t kGrain = 1 << 14;  // values a task: 64 KiB of each operand

}  // namespace

void add(Exec& exec, const Tensor& a, const Tensor& b, const Tensor& out) {
  exec.pool->for_blocks(0, out.elements(), kGrain, [&](int64_t begin, int64_t end) {
    exec.backend->kernels->elementwise->add(a.f32() + begin, b.f32() + begin, out.f32() + begin,
                                            end - begin);
  });
}

void scale(Exec& exec, const Tensor& x, float factor, const Tensor& out) {
  exec.pool->for_blocks(0, out.elements(), kGrain, [&](int64_t begin, int64_t end) {
    exec.backend->kernels->elementwise->scale(factor, x.f32() + begin, out.f32() + begin,
                                              end - begin);
  });
}

}  // namespace onmal::cpu

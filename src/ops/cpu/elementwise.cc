#include <algorithm>
#include <cmath>

#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {
namespace {

constexpr int64_t kValuesPerTask = 1 << 14;  // values a task: 64 KiB of each operand
constexpr int64_t kRows = 8;                 // of sigmoid_gate a task

}  // namespace

void add(Exec& exec, const Tensor& a, const Tensor& b, const Tensor& out) {
  exec.pool->for_blocks(0, out.elements(), kValuesPerTask, [&](int64_t begin, int64_t end) {
    exec.backend->kernels->elementwise->add(a.f32() + begin, b.f32() + begin, out.f32() + begin,
                                            end - begin);
  });
}

void scale(Exec& exec, const Tensor& x, float factor, const Tensor& out) {
  exec.pool->for_blocks(0, out.elements(), kValuesPerTask, [&](int64_t begin, int64_t end) {
    exec.backend->kernels->elementwise->scale(factor, x.f32() + begin, out.f32() + begin,
                                              end - begin);
  });
}

void multiply_rows(Exec& exec, const Tensor& x, const Tensor& factors, const Tensor& out) {
  const int64_t columns = x.dim(-1);
  const bool alike = factors.elements() == out.elements();
  const int64_t grain = std::max<int64_t>(1, kValuesPerTask / columns);
  exec.pool->for_blocks(0, x.shape().rows(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* in = x.f32() + r * columns;
      const float* factor = factors.f32() + (alike ? r * columns : 0);
      float* product = out.f32() + r * columns;
      for (int64_t c = 0; c < columns; ++c) product[c] = in[c] * factor[c];
    }
  });
}

void softcap(Exec& exec, const Tensor& x, float cap, const Tensor& out) {
  exec.pool->for_blocks(0, out.elements(), kValuesPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out.f32()[i] = cap * std::tanh(x.f32()[i] / cap);
  });
}

void softcap_backward(Exec& exec, const Tensor& dout, const Tensor& x, float cap, const Tensor& dx,
                      bool accumulate) {
  exec.pool->for_blocks(0, dx.elements(), kValuesPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float bent = std::tanh(x.f32()[i] / cap);
      const float slope = dout.f32()[i] * (1.0F - bent * bent);
      dx.f32()[i] = accumulate ? dx.f32()[i] + slope : slope;
    }
  });
}

void sigmoid_gate(Exec& exec, const Tensor& x, const Tensor& gate, const Tensor& out) {
  const int64_t dim = x.dim(-1);
  exec.pool->for_blocks(0, gate.elements(), kRows, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float opening = 1.0F / (1.0F + std::exp(-gate.f32()[r]));
      exec.backend->kernels->elementwise->scale(opening, x.f32() + r * dim, out.f32() + r * dim,
                                                dim);
    }
  });
}

void sigmoid_gate_backward(Exec& exec, const Tensor& dout, const Tensor& x, const Tensor& gate,
                           const Tensor& dx, const Tensor& dgate) {
  const int64_t dim = x.dim(-1);
  exec.pool->for_blocks(0, gate.elements(), kRows, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float opening = 1.0F / (1.0F + std::exp(-gate.f32()[r]));
      const float* upstream = dout.f32() + r * dim;
      exec.backend->kernels->elementwise->scale(opening, upstream, dx.f32() + r * dim, dim);
      double sum = 0;
      for (int64_t d = 0; d < dim; ++d)
        sum += static_cast<double>(upstream[d]) * static_cast<double>(x.f32()[r * dim + d]);
      dgate.f32()[r] = static_cast<float>(sum) * opening * (1.0F - opening);
    }
  });
}

}  // namespace onmal::cpu

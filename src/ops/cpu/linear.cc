#include <algorithm>

#include "ops/cpu/cpu_ops.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/int16_linear.h"
#include "ops/cpu/int8_linear.h"

namespace onmal::cpu {
namespace {

using kernels::GemmOperand;

// Up to this many rows of x the weights are read as they are; with more, packing them pays.
constexpr int64_t kFewRows = 16;
constexpr int64_t kTasks = 16;
constexpr int64_t kFewestOutputs = 16;            // a task's: short streams are slow to start
constexpr int64_t kMostBytes = int64_t{1} << 18;  // of a task's weights: they stay in its cache

int64_t outputs_per_task(int64_t outputs, int64_t row_bytes) {
  const int64_t most = std::max(kFewestOutputs, kMostBytes / row_bytes);
  return std::clamp(outputs / kTasks, kFewestOutputs, most) / 4 * 4;
}

void few_rows(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& out) {
  const int64_t outputs = w.dim(0);
  const int64_t inner = w.dim(1);
  const int64_t row_bytes = w.bytes() / outputs;
  exec.pool->for_blocks(0, outputs, outputs_per_task(outputs, row_bytes),
                        [&](int64_t begin, int64_t end) {
                          for (int64_t m = 0; m < x.dim(0); m += kernels::kMatvecMostRows) {
                            const int64_t rows = std::min(kernels::kMatvecMostRows, x.dim(0) - m);
                            float* target = out.f32() + m * outputs + begin;
                            exec.backend->kernels->matvec->multiply(
                                w.dtype(), w.data_as<std::byte>() + begin * row_bytes, end - begin,
                                inner, x.f32() + m * inner, rows, target, outputs);
                            if (!bias.defined()) continue;
                            for (int64_t r = 0; r < rows; ++r) {
                              for (int64_t n = begin; n < end; ++n)
                                out.f32()[(m + r) * outputs + n] += bias.f32()[n];
                            }
                          }
                        });
}

}  // namespace

void linear(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& out) {
  if (uses_integers(exec, w)) return integer_linear(exec, x, w, bias, out);
  if (x.dim(0) <= kFewRows) return few_rows(exec, x, w, bias, out);
  if (uses_wide_integers(exec, w)) return wide_integer_linear(exec, x, w, bias, out);
  const GemmOperand left{x.data(), x.dtype(), x.dim(1), true};
  const GemmOperand right{w.data(), w.dtype(), w.dim(1), true};
  gemm(exec, x.dim(0), w.dim(0), w.dim(1), left, right, bias.defined() ? bias.f32() : nullptr,
       out.f32(), w.dim(0), false);
}

void linear_backward_input(Exec& exec, const Tensor& dout, const Tensor& w, const Tensor& dx,
                           bool accumulate) {
  const GemmOperand left{dout.data(), dout.dtype(), w.dim(0), true};
  const GemmOperand right{w.data(), w.dtype(), w.dim(1), false};
  gemm(exec, dout.dim(0), w.dim(1), w.dim(0), left, right, nullptr, dx.f32(), w.dim(1), accumulate);
}

void linear_backward_weight(Exec& exec, const Tensor& dout, const Tensor& x, const Tensor& dw,
                            bool accumulate) {
  const GemmOperand left{dout.data(), dout.dtype(), dw.dim(0), false};
  const GemmOperand right{x.data(), x.dtype(), dw.dim(1), false};
  gemm(exec, dw.dim(0), dw.dim(1), x.dim(0), left, right, nullptr, dw.f32(), dw.dim(1), accumulate);
}

void sum_rows(Exec& exec, const Tensor& dout, const Tensor& db, bool accumulate) {
  const int64_t columns = db.dim(0);
  constexpr int64_t kColumns = 64;
  exec.pool->for_blocks(0, columns, kColumns, [&](int64_t begin, int64_t end) {
    float* target = db.f32() + begin;
    if (!accumulate) std::fill_n(target, end - begin, 0.0F);
    for (int64_t m = 0; m < dout.dim(0); ++m) {
      exec.backend->kernels->elementwise->add(target, dout.f32() + m * columns + begin, target,
                                              end - begin);
    }
  });
}

}  // namespace onmal::cpu

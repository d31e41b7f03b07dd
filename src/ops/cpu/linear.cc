#include <algorithm>

#include "kernels/select.h"
#include "ops/cpu/cpu_ops.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/int16_linear.h"
#include "ops/cpu/int8_linear.h"
#include "ops/cpu/task_sizes.h"

namespace onmal::cpu {
namespace {

using kernels::GemmOperand;

// Up to this many rows of x the weights are read as they are; with more, packing them pays.
constexpr int64_t kFewRows = 16;
constexpr int64_t kRowsAtOnce = kernels::kMatvecMostRows;

// Some outputs of up to kRowsAtOnce rows from row m on.
struct Part {
  int64_t begin, end;
  int64_t m, rows;
};

void multiply(const Exec& exec, const Tensor& x, const Tensor& w, const Part& part, float* out,
              int64_t stride) {
  if (part.begin == part.end) return;
  const int64_t inner = w.dim(1);
  kernels::matvec(*exec.backend->kernels)
      .multiply(w.dtype(), w.data_as<std::byte>() + part.begin * (w.bytes() / w.dim(0)),
                part.end - part.begin, inner, x.f32() + part.m * inner, part.rows, out, stride);
}

// The last rows, fewer than kRowsAtOnce, filled up with zeros: a row's last bits may be others in
// company (q8_0: of one or two rows; the others: of outputs that make no four).
Tensor filled_up(Exec& exec, const Tensor& x) {
  const int64_t inner = x.dim(1);
  const int64_t left = x.dim(0) % kRowsAtOnce;
  const Tensor rows = Tensor::empty(*exec.memory, Shape{kRowsAtOnce, inner});
  std::fill_n(rows.f32(), rows.elements(), 0.0F);
  std::copy_n(x.f32() + (x.dim(0) - left) * inner, left * inner, rows.f32());
  return rows;
}

// Outputs [begin, end) of the last `rows` rows as they are among kRowsAtOnce: `filled` has them.
void multiply_in_company(const Exec& exec, const Tensor& filled, const Tensor& w, const Part& part,
                         float* out, int64_t stride) {
  constexpr int64_t kOutputs = 64;
  float results[kRowsAtOnce * kOutputs];
  for (int64_t n = part.begin; n < part.end; n += kOutputs) {
    const int64_t count = std::min(kOutputs, part.end - n);
    multiply(exec, filled, w, {n, n + count, 0, kRowsAtOnce}, results, kOutputs);
    for (int64_t r = 0; r < part.rows; ++r)
      std::copy_n(results + r * kOutputs, count, out + r * stride + (n - part.begin));
  }
}

void few_rows(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& out) {
  const int64_t outputs = w.dim(0);
  const bool apart = exec.separate_rows >= 0 && x.dim(0) % kRowsAtOnce != 0;
  const Tensor filled = apart ? filled_up(exec, x) : Tensor();
  const int64_t grain = outputs_per_task(outputs, w.bytes() / outputs);
  exec.pool->for_blocks(0, outputs, grain, [&](int64_t begin, int64_t end) {
    for (int64_t m = 0; m < x.dim(0); m += kRowsAtOnce) {
      const int64_t rows = std::min(kRowsAtOnce, x.dim(0) - m);
      float* target = out.f32() + m * outputs + begin;
      int64_t alike = end;  // outputs before this one are the same in any company
      if (apart && rows < kRowsAtOnce) {
        alike = w.dtype() == DType::kQ8_0 ? begin : end - (end - begin) % 4;
        multiply_in_company(exec, filled, w, {alike, end, m, rows}, target + (alike - begin),
                            outputs);
      }
      multiply(exec, x, w, {begin, alike, m, rows}, target, outputs);
      if (!bias.defined()) continue;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t n = begin; n < end; ++n) out.f32()[(m + r) * outputs + n] += bias.f32()[n];
      }
    }
  });
}

void multiply_rows(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias,
                   const Tensor& out, RowNumber number) {
  const bool few =
      number == RowNumber::kAsCounted ? x.dim(0) <= kFewRows : number == RowNumber::kFew;
  if (uses_integers(exec, w)) return integer_linear(exec, x, w, bias, out, number);
  if (few) return few_rows(exec, x, w, bias, out);
  if (uses_wide_integers(exec, w)) return wide_integer_linear(exec, x, w, bias, out);
  const GemmOperand left{x.data(), x.dtype(), x.dim(1), true};
  const GemmOperand right{w.data(), w.dtype(), w.dim(1), true};
  gemm(exec, x.dim(0), w.dim(0), w.dim(1), left, right, bias.defined() ? bias.f32() : nullptr,
       out.f32(), w.dim(0), false);
}

}  // namespace

void linear(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& out) {
  if (exec.separate_rows < 0 || integer_rows_are_alike(exec, w))
    return multiply_rows(exec, x, w, bias, out, RowNumber::kAsCounted);
  const int64_t rows = x.dim(0);
  const int64_t few = std::min(exec.separate_rows, rows);
  if (few > 0) multiply_rows(exec, x.slice(0, few), w, bias, out.slice(0, few), RowNumber::kFew);
  if (few < rows)
    multiply_rows(exec, x.slice(few, rows), w, bias, out.slice(few, rows), RowNumber::kMany);
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

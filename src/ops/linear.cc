#include "ops/linear.h"

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {
namespace {

void backward(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Tensor& dout, GradStore& gradients) {
  const Shape rows{dout.shape().rows(), dout.dim(-1)};
  const Tensor dout_rows = dout.reshaped(rows);
  const Tensor x_rows = x.reshaped(Shape{x.shape().rows(), x.dim(-1)});
  if (Tape::tracks(bias)) {
    const GradStore::Slot slot = gradients.slot(exec, bias);
    exec.backend->sum_rows(exec, dout_rows, slot.tensor, slot.accumulate);
  }
  if (Tape::tracks(weight)) {
    const GradStore::Slot slot = gradients.slot(exec, weight);
    exec.backend->linear_backward_weight(exec, dout_rows, x_rows, slot.tensor, slot.accumulate);
  }
  if (Tape::tracks(x)) {
    const GradStore::Slot slot = gradients.slot(exec, x);
    exec.backend->linear_backward_input(exec, dout_rows, weight,
                                        slot.tensor.reshaped(x_rows.shape()), slot.accumulate);
  }
}

}  // namespace

Tensor linear(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check(weight.shape().rank() == 2, "linear", "weight", "must have two dimensions [out, in]");
  check_last_dim("linear", "x", x, weight.dim(1));
  if (bias.defined()) check_same_shape("linear", "bias", bias, Shape{weight.dim(0)});
  Tensor out = Tensor::empty(*exec.memory, x.shape().with_last(weight.dim(0)), x.dtype());
  const Tensor rows = x.reshaped(Shape{x.shape().rows(), x.dim(-1)});
  if (exec.observer != nullptr) exec.observer->observe(exec, rows, weight);
  exec.backend->linear(exec, rows, weight, bias,
                       out.reshaped(Shape{out.shape().rows(), out.dim(-1)}));
  if (exec.tape != nullptr && Tape::tracks(x, weight, bias)) {
    exec.tape->record(out,
                      [x, weight, bias](Exec& inner, const Tensor& dout, GradStore& gradients) {
                        backward(inner, x, weight, bias, dout, gradients);
                      });
  }
  return out;
}

}  // namespace onmal

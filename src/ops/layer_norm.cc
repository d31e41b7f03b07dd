#include "ops/layer_norm.h"

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {
namespace {

void backward(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias,
              const NormSaved& saved, const Tensor& dout, GradStore& gradients) {
  GradStore::Slot dx{{}, false};
  GradStore::Slot dweight{{}, false};
  GradStore::Slot dbias{{}, false};
  if (Tape::tracks(x)) dx = gradients.slot(exec, x);
  if (Tape::tracks(weight)) dweight = gradients.slot(exec, weight);
  if (Tape::tracks(bias)) dbias = gradients.slot(exec, bias);
  exec.backend->layer_norm_backward(exec, dout, x, weight, saved, dx.tensor, dx.accumulate,
                                    dweight.tensor, dweight.accumulate, dbias.tensor,
                                    dbias.accumulate);
}

}  // namespace

Tensor layer_norm(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  float epsilon) {
  check_last_dim("layer_norm", "x", x, weight.dim(-1));
  check(x.shape().rows() % weight.shape().rows() == 0, "layer_norm", "weight",
        "its rows must divide those of x");
  check_dtype("layer_norm", "weight", weight, x.dtype());
  if (bias.defined()) check_same_shape("layer_norm", "bias", bias, weight.shape());
  const bool recorded = exec.tape != nullptr && Tape::tracks(x, weight, bias);
  Tensor out = Tensor::empty(*exec.memory, x.shape(), x.dtype());
  NormSaved saved;
  if (recorded) {
    saved.mean = Tensor::empty(*exec.memory, Shape{x.shape().rows()}, x.dtype());
    saved.inverse_deviation = Tensor::empty(*exec.memory, Shape{x.shape().rows()}, x.dtype());
  }
  exec.backend->layer_norm(exec, x, weight, bias, epsilon, out, saved);
  if (recorded) {
    exec.tape->record(
        out, [x, weight, bias, saved](Exec& inner, const Tensor& dout, GradStore& gradients) {
          backward(inner, x, weight, bias, saved, dout, gradients);
        });
  }
  return out;
}

}  // namespace onmal

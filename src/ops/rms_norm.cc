#include "ops/rms_norm.h"

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {

Tensor rms_norm(Exec& exec, const Tensor& x, const Tensor& weight, float epsilon) {
  check_last_dim("rms_norm", "x", x, weight.dim(-1));
  check_same_shape("rms_norm", "weight", weight, Shape{x.dim(-1)});
  check_dtype("rms_norm", "weight", weight, x.dtype());
  const bool recorded = exec.tape != nullptr && Tape::tracks(x, weight);
  Tensor out = Tensor::empty(*exec.memory, x.shape(), x.dtype());
  Tensor inverse_rms;
  if (recorded) inverse_rms = Tensor::empty(*exec.memory, Shape{x.shape().rows()}, x.dtype());
  exec.backend->rms_norm(exec, x, weight, epsilon, out, inverse_rms);
  if (recorded) {
    exec.tape->record(
        out, [x, weight, inverse_rms](Exec& inner, const Tensor& dout, GradStore& gradients) {
          GradStore::Slot dx{{}, false};
          GradStore::Slot dweight{{}, false};
          if (Tape::tracks(x)) dx = gradients.slot(inner, x);
          if (Tape::tracks(weight)) dweight = gradients.slot(inner, weight);
          inner.backend->rms_norm_backward(inner, dout, x, weight, inverse_rms, dx.tensor,
                                           dx.accumulate, dweight.tensor, dweight.accumulate);
        });
  }
  return out;
}

}  // namespace onmal

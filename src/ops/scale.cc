#include "ops/scale.h"

#include "autograd/tape.h"

namespace onmal {

Tensor scale(Exec& exec, const Tensor& x, float factor) {
  Tensor out = Tensor::empty(*exec.memory, x.shape(), x.dtype());
  exec.backend->scale(exec, x, factor, out);
  if (exec.tape != nullptr && Tape::tracks(x)) {
    exec.tape->record(out, [x, factor](Exec& inner, const Tensor& dout, GradStore& gradients) {
      const Tensor dx = Tensor::empty(*inner.memory, dout.shape(), dout.dtype());
      inner.backend->scale(inner, dout, factor, dx);
      gradients.add(inner, x, dx);
    });
  }
  return out;
}

}  // namespace onmal

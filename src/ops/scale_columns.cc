#include "ops/scale_columns.h"

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {

Tensor scale_columns(Exec& exec, const Tensor& x, const Tensor& factors) {
  check_same_shape("scale_columns", "factors", factors, Shape{x.dim(-1)});
  Tensor out = Tensor::empty(*exec.memory, x.shape(), x.dtype());
  exec.backend->multiply_rows(exec, x, factors, out);
  if (exec.tape != nullptr && Tape::tracks(x, factors)) {
    exec.tape->record(out, [x, factors](Exec& inner, const Tensor& dout, GradStore& gradients) {
      if (Tape::tracks(factors)) {
        const Tensor product = Tensor::empty(*inner.memory, x.shape(), x.dtype());
        inner.backend->multiply_rows(inner, dout, x, product);
        const GradStore::Slot slot = gradients.slot(inner, factors);
        inner.backend->sum_rows(inner, product.reshaped(Shape{x.shape().rows(), x.dim(-1)}),
                                slot.tensor, slot.accumulate);
      }
      if (!Tape::tracks(x)) return;
      const Tensor dx = Tensor::empty(*inner.memory, x.shape(), x.dtype());
      inner.backend->multiply_rows(inner, dout, factors, dx);
      gradients.add(inner, x, dx);
    });
  }
  return out;
}

}  // namespace onmal

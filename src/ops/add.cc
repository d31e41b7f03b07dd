#include "ops/add.h"

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {

Tensor add(Exec& exec, const Tensor& a, const Tensor& b) {
  check_same_shape("add", "b", b, a.shape());
  Tensor out = Tensor::empty(*exec.memory, a.shape(), a.dtype());
  exec.backend->add(exec, a, b, out);
  if (exec.tape != nullptr && Tape::tracks(a, b)) {
    exec.tape->record(out, [a, b](Exec& inner, const Tensor& dout, GradStore& gradients) {
      if (Tape::tracks(a)) gradients.add(inner, a, dout);
      if (Tape::tracks(b)) gradients.add(inner, b, dout);
    });
  }
  return out;
}

}  // namespace onmal

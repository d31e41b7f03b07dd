#include "ops/sigmoid_gate.h"

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {

Tensor sigmoid_gate(Exec& exec, const Tensor& x, const Tensor& gate) {
  check_same_shape("sigmoid_gate", "gate", gate, x.shape().with_last(1));
  Tensor out = Tensor::empty(*exec.memory, x.shape(), x.dtype());
  exec.backend->sigmoid_gate(exec, x, gate, out);
  if (exec.tape != nullptr && Tape::tracks(x, gate)) {
    exec.tape->record(out, [x, gate](Exec& inner, const Tensor& dout, GradStore& gradients) {
      const Tensor dx = Tensor::empty(*inner.memory, x.shape(), x.dtype());
      const Tensor dgate = Tensor::empty(*inner.memory, gate.shape(), gate.dtype());
      inner.backend->sigmoid_gate_backward(inner, dout, x, gate, dx, dgate);
      if (Tape::tracks(x)) gradients.add(inner, x, dx);
      if (Tape::tracks(gate)) gradients.add(inner, gate, dgate);
    });
  }
  return out;
}

}  // namespace onmal

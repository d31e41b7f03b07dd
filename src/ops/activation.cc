#include "ops/activation.h"

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {

Tensor activation(Exec& exec, Activation f, const Tensor& x) {
  Tensor out = Tensor::empty(*exec.memory, x.shape(), x.dtype());
  exec.backend->activation(exec, f, x, out);
  if (exec.tape != nullptr && Tape::tracks(x)) {
    exec.tape->record(out, [f, x](Exec& inner, const Tensor& dout, GradStore& gradients) {
      const GradStore::Slot slot = gradients.slot(inner, x);
      inner.backend->activation_backward(inner, f, dout, x, slot.tensor, slot.accumulate);
    });
  }
  return out;
}

Tensor gated(Exec& exec, Activation f, Tensor gate, const Tensor& up) {
  check_same_shape("gated", "up", up, gate.shape());
  // What nobody will read again holds the result: it is the largest of a prompt's activations.
  const bool in_place = exec.tape == nullptr && gate.unique();
  Tensor out = in_place ? gate : Tensor::empty(*exec.memory, gate.shape(), gate.dtype());
  exec.backend->gated(exec, f, gate, up, out);
  if (exec.tape != nullptr && Tape::tracks(gate, up)) {
    exec.tape->record(out, [f, gate, up](Exec& inner, const Tensor& dout, GradStore& gradients) {
      const Tensor dgate = Tensor::empty(*inner.memory, gate.shape(), gate.dtype());
      const Tensor dup = Tensor::empty(*inner.memory, up.shape(), up.dtype());
      inner.backend->gated_backward(inner, f, dout, gate, up, dgate, dup);
      if (Tape::tracks(gate)) gradients.add(inner, gate, dgate);
      if (Tape::tracks(up)) gradients.add(inner, up, dup);
    });
  }
  return out;
}

}  // namespace onmal

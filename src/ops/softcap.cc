#include "ops/softcap.h"

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {

Tensor softcap(Exec& exec, const Tensor& x, float cap) {
  check(cap > 0.0F, "softcap", "cap", "must be positive");
  Tensor out = Tensor::empty(*exec.memory, x.shape(), x.dtype());
  exec.backend->softcap(exec, x, cap, out);
  if (exec.tape != nullptr && Tape::tracks(x)) {
    exec.tape->record(out, [x, cap](Exec& inner, const Tensor& dout, GradStore& gradients) {
      const GradStore::Slot slot = gradients.slot(inner, x);
      inner.backend->softcap_backward(inner, dout, x, cap, slot.tensor, slot.accumulate);
    });
  }
  return out;
}

}  // namespace onmal

#include "ops/experts.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/check.h"
#include "ops/embedding.h"
#include "ops/linear.h"

namespace onmal {
namespace {

// Slots by counting: choices of one expert keep the order of their tokens.
void assign_slots(const Routing& routing) {
  const int64_t experts = routing.starts.dim(0) - 1;
  const int64_t choices = routing.experts.elements();
  const int64_t per_token = routing.experts.dim(1);
  int32_t* starts = routing.starts.i32();
  std::fill_n(starts, experts + 1, 0);
  for (int64_t i = 0; i < choices; ++i) ++starts[routing.experts.i32()[i]];
  int32_t sum = 0;
  for (int64_t e = 0; e <= experts; ++e) {
    const int32_t count = starts[e];
    starts[e] = sum;
    sum += count;
  }
  for (int64_t i = 0; i < choices; ++i) {
    const int32_t slot = starts[routing.experts.i32()[i]]++;
    routing.slots.i32()[i] = slot;
    routing.tokens.i32()[slot] = static_cast<int32_t>(i / per_token);
  }
  for (int64_t e = experts; e > 0; --e) starts[e] = starts[e - 1];
  starts[0] = 0;
}

Tensor matrix_of(const Tensor& weight, int64_t expert) {
  return weight.slice(expert, expert + 1).reshaped(Shape{weight.dim(1), weight.dim(2)});
}

// Calls body(expert, first slot, end slot) for each expert, the idle ones too.
template <typename Body>
void for_experts(const Tensor& starts, Body&& body) {
  for (int64_t e = 0; e + 1 < starts.dim(0); ++e) body(e, starts.i32()[e], starts.i32()[e + 1]);
}

void linear_backward(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& starts,
                     const Tensor& dout, GradStore& gradients) {
  GradStore::Slot dx{{}, false};
  GradStore::Slot dweight{{}, false};
  if (Tape::tracks(x)) dx = gradients.slot(exec, x);
  if (Tape::tracks(weight)) dweight = gradients.slot(exec, weight);
  for_experts(starts, [&](int64_t e, int64_t begin, int64_t end) {
    if (begin == end) {
      if (!dweight.tensor.defined() || dweight.accumulate) return;
      const Tensor idle = matrix_of(dweight.tensor, e);
      std::fill_n(idle.data_as<std::byte>(), idle.bytes(), std::byte{0});
      return;
    }
    const Tensor rows = dout.slice(begin, end);
    if (dweight.tensor.defined()) {
      exec.backend->linear_backward_weight(exec, rows, x.slice(begin, end),
                                           matrix_of(dweight.tensor, e), dweight.accumulate);
    }
    if (dx.tensor.defined()) {
      exec.backend->linear_backward_input(exec, rows, matrix_of(weight, e),
                                          dx.tensor.slice(begin, end), dx.accumulate);
    }
  });
}

}  // namespace

Routing route(Exec& exec, const Tensor& logits, int64_t per_token, bool normalize) {
  check(logits.shape().rank() == 2, "route", "logits",
        "must have two dimensions [tokens, experts]");
  const int64_t tokens = logits.dim(0);
  const int64_t experts = logits.dim(1);
  check(per_token >= 1 && per_token <= experts, "route", "per_token",
        "must be 1 to the number of experts");
  const Shape choices{tokens, per_token};
  Routing routing;
  routing.experts = Tensor::empty(*exec.memory, choices, DType::kI32);
  routing.slots = Tensor::empty(*exec.memory, choices, DType::kI32);
  routing.tokens = Tensor::empty(*exec.memory, Shape{tokens * per_token}, DType::kI32);
  routing.starts = Tensor::empty(*exec.memory, Shape{experts + 1}, DType::kI32);
  routing.weights = Tensor::empty(*exec.memory, choices, logits.dtype());
  exec.backend->route(exec, logits, normalize, routing.experts, routing.weights);
  assign_slots(routing);
  if (exec.tape != nullptr && Tape::tracks(logits)) {
    exec.tape->record(routing.weights,
                      [logits, normalize, chosen = routing.experts](
                          Exec& inner, const Tensor& dweights, GradStore& gradients) {
                        const GradStore::Slot slot = gradients.slot(inner, logits);
                        inner.backend->route_backward(inner, dweights, logits, normalize, chosen,
                                                      slot.tensor, slot.accumulate);
                      });
  }
  return routing;
}

Tensor gather_tokens(Exec& exec, const Tensor& x, const Routing& routing) {
  return embedding(exec, x, routing.tokens);
}

Tensor expert_linear(Exec& exec, const Tensor& x, const Tensor& weight, const Routing& routing) {
  check(weight.shape().rank() == 3 && weight.dim(0) + 1 == routing.starts.dim(0), "expert_linear",
        "weight", "must have three dimensions [experts, out, in]");
  check_same_shape("expert_linear", "x", x, Shape{routing.tokens.dim(0), weight.dim(2)});
  Tensor out = Tensor::empty(*exec.memory, Shape{x.dim(0), weight.dim(1)}, x.dtype());
  Exec by_number = exec;  // an expert's rows are not those that the whole pass begins with
  by_number.separate_rows = -1;
  for_experts(routing.starts, [&](int64_t e, int64_t begin, int64_t end) {
    if (begin == end) return;
    const Tensor matrix = matrix_of(weight, e);
    const Tensor rows = x.slice(begin, end);
    if (exec.observer != nullptr) exec.observer->observe(exec, rows, matrix);
    exec.backend->linear(by_number, rows, matrix, Tensor(), out.slice(begin, end));
  });
  if (exec.tape != nullptr && Tape::tracks(x, weight)) {
    exec.tape->record(out, [x, weight, starts = routing.starts](Exec& inner, const Tensor& dout,
                                                                GradStore& gradients) {
      linear_backward(inner, x, weight, starts, dout, gradients);
    });
  }
  return out;
}

Tensor combine_experts(Exec& exec, const Tensor& x, const Routing& routing) {
  check_same_shape("combine_experts", "x", x, Shape{routing.tokens.dim(0), x.dim(-1)});
  Tensor out = Tensor::empty(*exec.memory, Shape{routing.slots.dim(0), x.dim(1)}, x.dtype());
  exec.backend->combine_experts(exec, x, routing.weights, routing.slots, out);
  if (exec.tape != nullptr && Tape::tracks(x, routing.weights)) {
    exec.tape->record(out, [x, weights = routing.weights, slots = routing.slots](
                               Exec& inner, const Tensor& dout, GradStore& gradients) {
      const Tensor dx = Tensor::empty(*inner.memory, x.shape(), x.dtype());
      const Tensor dweights = Tensor::empty(*inner.memory, weights.shape(), weights.dtype());
      inner.backend->combine_experts_backward(inner, dout, x, weights, slots, dx, dweights);
      if (Tape::tracks(x)) gradients.add(inner, x, dx);
      if (Tape::tracks(weights)) gradients.add(inner, weights, dweights);
    });
  }
  return out;
}

}  // namespace onmal

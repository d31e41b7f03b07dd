#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "autograd/exec.h"
#include "autograd/grad_store.h"
#include "tensor/tensor.h"

namespace onmal {

// Vector–Jacobian product of one op: given dL/d(output), add dL/d(input) into the store for each
// tracked input. What it needs from the forward pass it holds by value (Tensor handles keep their
// memory alive).
using Vjp = std::function<void(Exec& exec, const Tensor& output_gradient, GradStore& gradients)>;

// The list of ops done, in order. Exists only while training.
class Tape {
 public:
  // True when a gradient is wanted for any of these (they carry a tag). Undefined tensors are not
  // tracked.
  template <typename... Tensors>
  static bool tracks(const Tensors&... tensors) {
    return ((tensors.tag() != 0) || ...);
  }

  // Marks `leaf` as a value whose gradient is wanted (inputs in tests; parameters bring their own
  // tags).
  void watch(Tensor& leaf) { leaf.set_tag(next_tag_++); }

  // Notes that `output` came from an op with this vjp, and tags it.
  void record(Tensor& output, Vjp vjp);

  // Runs the vjps backwards from `output` with dL/d(output) = `seed`, adding into `gradients`.
  // Frees each node's saved tensors as it goes; the tape is empty afterwards. No tape records
  // during this (exec.tape is ignored).
  void backward(Exec& exec, const Tensor& output, const Tensor& seed, GradStore& gradients);

  void clear() { nodes_.clear(); }
  size_t size() const { return nodes_.size(); }

  // A tape for replaying ops that start from `input`: its tags lie above input's. The backward pass
  // has by then taken every gradient with a higher tag, so none can be met by mistake.
  static Tape above(const Tensor& input) {
    Tape tape;
    if (input.tag() >= tape.next_tag_) tape.next_tag_ = input.tag() + 1;
    return tape;
  }

 private:
  struct Node {
    uint32_t output_tag;
    Shape output_shape;  // the gradient may come back through a reshaped view
    Vjp vjp;
  };
  std::vector<Node> nodes_;
  uint32_t next_tag_ = GradStore::kFirstTapeTag;
};

// Runs `body(exec, input)` without keeping what it saves; the backward pass runs it again with a
// tape of its own (Chen et al., 2016). Only `input` and parameters may carry gradients into the
// body. `body` must do the same arithmetic both times (a body that draws random numbers must save
// and restore exec.rng itself).
Tensor checkpoint(Exec& exec, const Tensor& input,
                  const std::function<Tensor(Exec& exec, const Tensor& input)>& body);

}  // namespace onmal

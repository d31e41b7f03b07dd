#pragma once

#include <cstdint>
#include <unordered_map>

#include "autograd/exec.h"
#include "tensor/tensor.h"

namespace onmal {

// Gradients by tag. Those of parameters (tags below kFirstTapeTag) stay until cleared, so that
// micro-batches add up; those of intermediate values are taken out by the backward pass. Additions
// happen in tape order: one thread and n threads agree bit for bit.
class GradStore {
 public:
  static constexpr uint32_t kFirstTapeTag = 1U << 24;

  struct Slot {
    Tensor tensor;    // same shape as the value; f64 for f64 values, else f32
    bool accumulate;  // true: add into it; false: it is fresh and uninitialised, write it
  };

  // Where the gradient of `value` goes. value.tag() must not be 0. Memory for a new one comes from
  // exec.memory.
  Slot slot(Exec& exec, const Tensor& value);

  // Adds `gradient` to that of `value`. The first one is shared, not copied: nobody may write to
  // `gradient` afterwards, and the store itself copies it before it writes (copy on write).
  void add(Exec& exec, const Tensor& value, const Tensor& gradient);

  // The gradient of `tag`, or an undefined tensor.
  Tensor find(uint32_t tag) const;
  Tensor take(uint32_t tag);
  void erase(uint32_t tag) { gradients_.erase(tag); }
  void clear() { gradients_.clear(); }

 private:
  static void make_writable(Exec& exec, Tensor& gradient);

  std::unordered_map<uint32_t, Tensor> gradients_;
};

}  // namespace onmal

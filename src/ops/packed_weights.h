#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "kernels/int8.h"
#include "ops/backend.h"

namespace onmal {

// Quantised weights laid out anew for the integer kernels of one backend: read once a token, they
// are worth the order that suits the processor best, in huge pages. Holds its own copy; the weights
// themselves may be given back to the system, they are looked at no more by linear() in integers.
class PackedWeights {
 public:
  PackedWeights() = default;
  // Packs those of `weights` ([N, K], or experts' [E, N, K]) that the backend has a packed form
  // for. `packed` is told of each as soon as it is: what it was made of may then leave the memory
  // before the next one comes.
  PackedWeights(
      Exec& exec, Allocator& memory, std::span<const Tensor> weights,
      FunctionRef<void(const Tensor&)> packed = [](const Tensor&) {});

  struct Panels {
    const uint8_t* data = nullptr;  // null: not packed
    int64_t bytes = 0;              // of one panel of kInt8PanelOutputs rows
  };
  // The panels of a weight that was packed, or of rows of it that begin and end with a panel.
  // `kernels`: which will read them.
  Panels find(const kernels::Int8Kernels& kernels, const Tensor& weight) const;

  int64_t bytes() const { return storage_.defined() ? storage_.bytes() : 0; }

 private:
  struct Entry {
    Tensor weight;
    int64_t panel_bytes;
    const uint8_t* panels;
  };
  const kernels::Int8Kernels* kernels_ = nullptr;
  std::vector<Entry> entries_;  // by address
  Tensor storage_;
};

}  // namespace onmal

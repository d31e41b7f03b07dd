#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autograd/grad_store.h"
#include "formats/tensor_table.h"
#include "nn/param.h"
#include "train/recipe.h"

namespace onmal {

// Changes weights by their gradients. f32 master weights; states are plain tensors, so that a
// checkpoint is a list. Embeddings and vectors: AdamW. Matrices: AdamW, or Muon (Jordan, 2024;
// scaled to AdamW's step size as in Liu et al., 2025: the momentum's nearest orthogonal matrix,
// times 0.2 sqrt(larger side)).
class Optimizer {
 public:
  // State for every trained weight that `visit` shows, zeroed, from `memory`.
  Optimizer(const OptimizerRecipe& recipe, VisitParams visit, Allocator& memory);

  // Global norm of all gradients: sqrt of the sum of squares, added up in f64 in a fixed order.
  double gradient_norm(Exec& exec, const GradStore& gradients) const;
  // One step with this learning rate; gradients are multiplied by `factor` (clipping) first.
  void step(Exec& exec, const GradStore& gradients, double learning_rate, double factor);

  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }
  // The state tensors by name; writing into them restores a checkpoint.
  std::vector<NamedTensor> state() const;

 private:
  struct Slot {
    std::string name;
    Tensor value;  // the weight: shares its memory
    ParamKind kind;
    Tensor first;   // first moment, or Muon's momentum
    Tensor second;  // second moment; undefined with Muon
  };
  void adamw(Exec& exec, Slot& slot, const Tensor& gradient, double learning_rate, double factor);
  void muon(Exec& exec, Slot& slot, const Tensor& gradient, double learning_rate, double factor);

  OptimizerRecipe recipe_;
  std::vector<Slot> slots_;
  int64_t steps_ = 0;
};

// The orthogonal matrix nearest to `x` [rows, columns], approximately: five Newton–Schulz steps,
// singular values end between about 0.7 and 1.2. In place.
void orthogonalize(Exec& exec, const Tensor& x);

}  // namespace onmal

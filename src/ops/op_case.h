#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ops/backend.h"

namespace onmal {

// One op on one set of shapes: serves the gradient check, the comparison of backends and thread
// counts, and benchmarks.
struct OpCase {
  struct Input {
    Shape shape;
    double deviation = 1.0;
    double offset = 0.0;
  };
  std::string name;
  std::vector<Input> inputs;  // floating-point ones; a gradient is checked for each
  // Applies the op to the inputs (in the precision they have).
  std::function<Tensor(Exec& exec, const std::vector<Tensor>& inputs)> apply;
  double bound = 1e-5;           // of f32 against f64, relative to the largest value
  double gradient_bound = 1e-5;  // the same for gradients
};

// Every op, on odd and even sizes, masks, grouped heads and the like.
std::vector<OpCase> all_op_cases();

}  // namespace onmal

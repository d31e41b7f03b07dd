#pragma once

#include <span>
#include <vector>

#include "base/function_ref.h"

namespace onmal {

struct LbfgsOptions {
  int iterations = 100;
  int history = 8;
  double tolerance = 1e-5;  // of the gradient's length, against that at the beginning
};

// Minimises a smooth function in place (Nocedal, 1980), with steps halved until Armijo's condition
// holds. `function` gives the value at x and fills the gradient. Returns the value reached.
double minimize_lbfgs(
    FunctionRef<double(std::span<const double> x, std::span<double> gradient)> function,
    std::vector<double>& x, const LbfgsOptions& options = {});

}  // namespace onmal

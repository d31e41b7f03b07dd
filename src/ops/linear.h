#pragma once

#include "ops/backend.h"

namespace onmal {

// Sees what goes into linear maps: statistics of activations, for quantisation.
class LinearObserver {
 public:
  virtual ~LinearObserver() = default;
  // x [rows, K] is about to be multiplied with weight [N, K].
  virtual void observe(Exec& exec, const Tensor& x, const Tensor& weight) = 0;
};

// x [.., K] · weight [N, K]^T (+ bias [N]) -> [.., N]. The weight may be stored in any dtype; dx
// flows through all of them, dweight only where the weight is tagged (tuning beside a quantised
// base comes for free). dx = dout · weight, dweight = dout^T · x, dbias = column sums of dout.
Tensor linear(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace onmal

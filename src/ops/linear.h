#pragma once

#include "ops/backend.h"

namespace onmal {

// x [.., K] · weight [N, K]^T (+ bias [N]) -> [.., N]. The weight may be stored in any dtype; dx
// flows through all of them, dweight only where the weight is tagged (tuning beside a quantised
// base comes for free). dx = dout · weight, dweight = dout^T · x, dbias = column sums of dout.
Tensor linear(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace onmal

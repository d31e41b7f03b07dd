#pragma once

#include "ops/backend.h"

namespace onmal {

// x [.., N] with column n multiplied by factors[n] [N]: out like x. dx = dout * factors, dfactors =
// column sums of dout * x.
Tensor scale_columns(Exec& exec, const Tensor& x, const Tensor& factors);

}  // namespace onmal

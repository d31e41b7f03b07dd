#pragma once

#include "ops/backend.h"

namespace onmal {

// sigmoid(gate) * x, one gate for each innermost vector: x [.., D], gate [.., 1].
Tensor sigmoid_gate(Exec& exec, const Tensor& x, const Tensor& gate);

}  // namespace onmal

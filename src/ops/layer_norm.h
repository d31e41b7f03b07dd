#pragma once

#include "ops/backend.h"

namespace onmal {

// (x - mean) / sqrt(variance + epsilon) * weight + bias over the innermost dimension (Ba et al.,
// 2016). weight [D]; bias [D] or undefined.
Tensor layer_norm(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  float epsilon);

}  // namespace onmal

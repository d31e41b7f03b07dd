#pragma once

#include "ops/backend.h"

namespace onmal {

// (x - mean) / sqrt(variance + epsilon) * weight + bias over the innermost dimension (Ba et al.,
// 2016). weight [D], or [G, D] with a row for each head: row r of x takes weight row r mod G; bias
// is shaped like weight, or undefined.
Tensor layer_norm(Exec& exec, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  float epsilon);

}  // namespace onmal

#pragma once

#include "ops/backend.h"

namespace onmal {

// x / sqrt(mean(x^2) + epsilon) * weight over the innermost dimension (Zhang & Sennrich, 2019);
// weight [D].
Tensor rms_norm(Exec& exec, const Tensor& x, const Tensor& weight, float epsilon);

}  // namespace onmal

#pragma once

#include "ops/backend.h"

namespace onmal {

// factor * x
Tensor scale(Exec& exec, const Tensor& x, float factor);

}  // namespace onmal

#pragma once

#include "ops/backend.h"

namespace onmal {

// a + b, same shape and dtype. d/da = d/db = 1.
Tensor add(Exec& exec, const Tensor& a, const Tensor& b);

}  // namespace onmal

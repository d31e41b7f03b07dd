#pragma once

#include "ops/backend.h"

namespace onmal {

// cap * tanh(x / cap), element by element (Gemma 2). cap > 0.
Tensor softcap(Exec& exec, const Tensor& x, float cap);

}  // namespace onmal

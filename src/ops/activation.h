#pragma once

#include "ops/backend.h"

namespace onmal {

// f(x), element by element.
Tensor activation(Exec& exec, Activation f, const Tensor& x);

// f(gate) * up: SwiGLU with kSilu, GeGLU with kGelu… (Shazeer, 2020). Same shapes.
Tensor gated(Exec& exec, Activation f, Tensor gate, const Tensor& up);

}  // namespace onmal

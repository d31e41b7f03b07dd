#pragma once

#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {

// Whether linear() multiplies integers for these weights.
bool uses_integers(const Exec& exec, const Tensor& w);

// As Backend::linear, with x rounded to 8 bits (kernels/int8.h); w quantised.
void integer_linear(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias,
                    const Tensor& out);

}  // namespace onmal::cpu

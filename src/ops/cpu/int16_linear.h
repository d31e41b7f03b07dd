#pragma once

#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {

// Whether linear() multiplies x by these f16 or bf16 weights in integers of 14 bits: on request
// (MatmulPrecision::kInt8), where no gradient is recorded and the processor gains by it.
bool uses_wide_integers(const Exec& exec, const Tensor& w);

// As Backend::linear, with x and w rounded (kernels/int16.h).
void wide_integer_linear(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias,
                         const Tensor& out);

}  // namespace onmal::cpu

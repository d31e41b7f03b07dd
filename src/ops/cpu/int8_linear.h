#pragma once

#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {

// Which kernels rows of x take: those for few or for many, by their number or not.
enum class RowNumber : uint8_t { kAsCounted, kFew, kMany };

// Whether linear() multiplies integers for these weights.
bool uses_integers(const Exec& exec, const Tensor& w);

// Whether a row's product is the same, bit for bit, by the kernels for few rows and for many: of
// packed weights.
bool integer_rows_are_alike(const Exec& exec, const Tensor& w);

// As Backend::linear, with x rounded to 8 bits (kernels/int8.h); w quantised.
void integer_linear(Exec& exec, const Tensor& x, const Tensor& w, const Tensor& bias,
                    const Tensor& out, RowNumber number = RowNumber::kAsCounted);

}  // namespace onmal::cpu

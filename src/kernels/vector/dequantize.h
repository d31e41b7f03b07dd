#pragma once

#include <stdint.h>

#include "kernels/vec.h"
#include "numeric/dtype.h"

namespace onmal::kernels::ONMAL_ISA {

// Groups of 32 values [first, first + groups), counted from `data`, of a quantised format as f32.
void dequantize_groups(DType dtype, const void* data, int64_t first, int64_t groups, float* out);

}  // namespace onmal::kernels::ONMAL_ISA

#pragma once

#include "tensor/tensor.h"

namespace onmal::plain {

// Value `index` of a quantised tensor, read one by one straight from the formats' definitions
// (numeric/blocks.h): what the vector kernels are tested against.
double quantized_value(const Tensor& tensor, int64_t index);

}  // namespace onmal::plain

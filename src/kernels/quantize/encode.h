#pragma once

#include <cstdint>

#include "numeric/dtype.h"

namespace onmal::kernels {

// x[count] (a multiple of the format's block size) in a quantised format. Scales and minima are
// searched for the least sum of importance[i] * (x[i] - decoded[i])^2; null importance: all equal.
// Importance must be finite and >= 0 (the mean square of the activations that a weight meets, say).
// A block with a value that is not finite decodes to not-a-number as a whole; one beyond the range
// of the format's half-precision scales is clamped to it.
//
// One thread; the same bits on every processor. About a microsecond for 10 values.
void encode_blocks(DType dtype, const float* x, const float* importance, void* out, int64_t count);

}  // namespace onmal::kernels

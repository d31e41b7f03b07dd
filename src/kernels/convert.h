#pragma once

#include <cstdint>

#include "numeric/blocks.h"
#include "numeric/dtype.h"

namespace onmal::kernels {

// Rows of storage formats to f32 and back, rounding to nearest even.
struct ConvertKernels {
  void (*f16_to_f32)(const uint16_t* x, float* out, int64_t count);
  void (*bf16_to_f32)(const uint16_t* x, float* out, int64_t count);
  void (*f32_to_f16)(const float* x, uint16_t* out, int64_t count);
  void (*f32_to_bf16)(const float* x, uint16_t* out, int64_t count);
  // count is a multiple of 32.
  void (*q8_0_to_f32)(const BlockQ8_0* x, float* out, int64_t count);
  // scale = max |x| / 127 stored as f16; values round(x / scale), halves away from zero, with the
  // unrounded scale.
  void (*f32_to_q8_0)(const float* x, BlockQ8_0* out, int64_t count);
  // Any quantised format; count is a multiple of its block size. Encoding: kernels/quantize/.
  void (*quantized_to_f32)(DType dtype, const void* x, float* out, int64_t count);
};

}  // namespace onmal::kernels

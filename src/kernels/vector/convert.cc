#include "kernels/convert.h"

#include "kernels/vec.h"
#include "kernels/vector/dequantize.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

float half_to_float(uint16_t half) {
  float values[Vec::kWidth];
  Vec::all_f16(half).store(values);
  return values[0];
}

uint16_t float_to_half(float value) {
  uint16_t halves[Vec::kWidth];
  Vec::all(value).store_f16(halves);
  return halves[0];
}

// The last, incomplete vector goes through a padded copy.
void f16_to_f32(const uint16_t* x, float* out, int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) Vec::load_f16(x + i).store(out + i);
  for (; i < count; ++i) out[i] = half_to_float(x[i]);
}

void bf16_to_f32(const uint16_t* x, float* out, int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) Vec::load_bf16(x + i).store(out + i);
  for (; i < count; ++i) {
    const uint32_t bits = static_cast<uint32_t>(x[i]) << 16;
    __builtin_memcpy(out + i, &bits, sizeof bits);
  }
}

void f32_to_f16(const float* x, uint16_t* out, int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) Vec::load(x + i).store_f16(out + i);
  for (; i < count; ++i) out[i] = float_to_half(x[i]);
}

void f32_to_bf16(const float* x, uint16_t* out, int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) Vec::load(x + i).store_bf16(out + i);
  for (; i < count; ++i) {
    uint16_t halves[Vec::kWidth];
    Vec::all(x[i]).store_bf16(halves);
    out[i] = halves[0];
  }
}

void q8_0_to_f32(const BlockQ8_0* x, float* out, int64_t count) {
  for (int64_t block = 0; block * kQ8BlockSize < count; ++block) {
    const Vec scale = Vec::all_f16(x[block].scale);
    for (int64_t i = 0; i < kQ8BlockSize; i += Vec::kWidth) {
      (scale * Vec::load_i8(x[block].values + i)).store(out + block * kQ8BlockSize + i);
    }
  }
}

// GGUF's rounding: scale = largest / 127, values = x * (1 / scale) to the nearest, halves away from
// zero. A block with a value that is not finite becomes not-a-number as a whole.
void f32_to_q8_0(const float* x, BlockQ8_0* out, int64_t count) {
  for (int64_t block = 0; block * kQ8BlockSize < count; ++block) {
    const float* values = x + block * kQ8BlockSize;
    Vec largest = Vec::zero();
    Vec wrong = Vec::zero();  // stays 0 for finite values
    for (int64_t i = 0; i < kQ8BlockSize; i += Vec::kWidth) {
      const Vec here = Vec::load(values + i);
      largest = Vec::max(largest, Vec::abs(here));
      wrong = Vec::fma(here, Vec::zero(), wrong);
    }
    if (wrong.sum() != 0.0F) {
      out[block].scale = 0x7E00;
      __builtin_memset(out[block].values, 0, sizeof out[block].values);
      continue;
    }
    const float scale = largest.largest() / 127.0F;
    const float inverse = scale > 0.0F ? 1.0F / scale : 0.0F;
    out[block].scale = float_to_half(scale);
    for (int64_t i = 0; i < kQ8BlockSize; ++i) {
      const float scaled = values[i] * inverse;
      const float whole = static_cast<float>(static_cast<int32_t>(scaled));
      const float rest = scaled - whole;  // exact
      const float up = rest >= 0.5F ? 1.0F : 0.0F;
      const float down = rest <= -0.5F ? 1.0F : 0.0F;
      out[block].values[i] = static_cast<int8_t>(static_cast<int32_t>(whole + up - down));
    }
  }
}

void quantized_to_f32(DType dtype, const void* x, float* out, int64_t count) {
  dequantize_groups(dtype, x, 0, count / kSmallBlockSize, out);
}

}  // namespace

extern const ConvertKernels kConvert;
const ConvertKernels kConvert = {f16_to_f32,  bf16_to_f32, f32_to_f16,      f32_to_bf16,
                                 q8_0_to_f32, f32_to_q8_0, quantized_to_f32};

}  // namespace onmal::kernels::ONMAL_ISA

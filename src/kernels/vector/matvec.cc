#include "kernels/matvec.h"

#include "kernels/vec.h"
#include "numeric/blocks.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

// Each format: how a vector of weights, and one weight, are read.
struct F32 {
  typedef float Stored;
  static ONMAL_INLINE Vec load(const Stored* w) { return Vec::load(w); }
  static ONMAL_INLINE float one(const Stored* w) { return *w; }
};

struct F16 {
  typedef uint16_t Stored;
  static ONMAL_INLINE Vec load(const Stored* w) { return Vec::load_f16(w); }
  static ONMAL_INLINE float one(const Stored* w) {
    float values[Vec::kWidth];
    Vec::all_f16(*w).store(values);
    return values[0];
  }
};

struct BF16 {
  typedef uint16_t Stored;
  static ONMAL_INLINE Vec load(const Stored* w) { return Vec::load_bf16(w); }
  static ONMAL_INLINE float one(const Stored* w) {
    const uint32_t bits = static_cast<uint32_t>(*w) << 16;
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
  }
};

// kRows rows of x against kOutputs rows of plain weights at once: sums stay in registers.
template <typename Format, int kOutputs, int kRows>
ONMAL_INLINE void plain_tile(const typename Format::Stored* w, int64_t inner, const float* x,
                             float* out, int64_t out_stride) {
  Vec sums[kOutputs][kRows];
  for (int n = 0; n < kOutputs; ++n) {
    for (int m = 0; m < kRows; ++m) sums[n][m] = Vec::zero();
  }
  int64_t k = 0;
  for (; k + Vec::kWidth <= inner; k += Vec::kWidth) {
    for (int n = 0; n < kOutputs; ++n) {
      const Vec weights = Format::load(w + n * inner + k);
      for (int m = 0; m < kRows; ++m)
        sums[n][m] = Vec::fma(weights, Vec::load(x + m * inner + k), sums[n][m]);
    }
  }
  for (int n = 0; n < kOutputs; ++n) {
    for (int m = 0; m < kRows; ++m) {
      float total = sums[n][m].sum();
      for (int64_t rest = k; rest < inner; ++rest)
        total += Format::one(w + n * inner + rest) * x[m * inner + rest];
      out[m * out_stride + n] = total;
    }
  }
}

template <int kOutputs, int kRows>
ONMAL_INLINE void q8_0_tile(const BlockQ8_0* w, int64_t inner, const float* x, float* out,
                            int64_t out_stride) {
  const int64_t blocks = inner / kQ8BlockSize;
  Vec sums[kOutputs][kRows];
  for (int n = 0; n < kOutputs; ++n) {
    for (int m = 0; m < kRows; ++m) sums[n][m] = Vec::zero();
  }
  for (int64_t block = 0; block < blocks; ++block) {
    for (int n = 0; n < kOutputs; ++n) {
      const BlockQ8_0& weights = w[n * blocks + block];
      const Vec scale = Vec::all_f16(weights.scale);
      Vec products[kRows];
      for (int m = 0; m < kRows; ++m) products[m] = Vec::zero();
#pragma GCC unroll 8
      for (int i = 0; i < kQ8BlockSize; i += Vec::kWidth) {
        const Vec values = Vec::load_i8(weights.values + i);
        for (int m = 0; m < kRows; ++m) {
          products[m] =
              Vec::fma(values, Vec::load(x + m * inner + block * kQ8BlockSize + i), products[m]);
        }
      }
      for (int m = 0; m < kRows; ++m) sums[n][m] = Vec::fma(scale, products[m], sums[n][m]);
    }
  }
  for (int n = 0; n < kOutputs; ++n) {
    for (int m = 0; m < kRows; ++m) out[m * out_stride + n] = sums[n][m].sum();
  }
}

constexpr int kOutputsAtOnce = 4;

template <typename Format, int kRows>
void plain_rows(const void* w, int64_t outputs, int64_t inner, const float* x, float* out,
                int64_t out_stride) {
  const auto* weights = static_cast<const typename Format::Stored*>(w);
  int64_t n = 0;
  for (; n + kOutputsAtOnce <= outputs; n += kOutputsAtOnce) {
    plain_tile<Format, kOutputsAtOnce, kRows>(weights + n * inner, inner, x, out + n, out_stride);
  }
  for (; n < outputs; ++n)
    plain_tile<Format, 1, kRows>(weights + n * inner, inner, x, out + n, out_stride);
}

template <int kRows>
void q8_0_rows(const void* w, int64_t outputs, int64_t inner, const float* x, float* out,
               int64_t out_stride) {
  const auto* weights = static_cast<const BlockQ8_0*>(w);
  const int64_t blocks = inner / kQ8BlockSize;
  int64_t n = 0;
  for (; n + kOutputsAtOnce <= outputs; n += kOutputsAtOnce) {
    q8_0_tile<kOutputsAtOnce, kRows>(weights + n * blocks, inner, x, out + n, out_stride);
  }
  for (; n < outputs; ++n) q8_0_tile<1, kRows>(weights + n * blocks, inner, x, out + n, out_stride);
}

template <int kRows>
void multiply_rows(DType dtype, const void* w, int64_t outputs, int64_t inner, const float* x,
                   float* out, int64_t out_stride) {
  if (dtype == DType::kQ8_0) {
    q8_0_rows<kRows>(w, outputs, inner, x, out, out_stride);
  } else if (dtype == DType::kF16) {
    plain_rows<F16, kRows>(w, outputs, inner, x, out, out_stride);
  } else if (dtype == DType::kBF16) {
    plain_rows<BF16, kRows>(w, outputs, inner, x, out, out_stride);
  } else {
    plain_rows<F32, kRows>(w, outputs, inner, x, out, out_stride);
  }
}

void multiply(DType dtype, const void* w, int64_t outputs, int64_t inner, const float* x,
              int64_t rows, float* out, int64_t out_stride) {
  switch (rows) {
    case 1:
      return multiply_rows<1>(dtype, w, outputs, inner, x, out, out_stride);
    case 2:
      return multiply_rows<2>(dtype, w, outputs, inner, x, out, out_stride);
    case 3:
      return multiply_rows<3>(dtype, w, outputs, inner, x, out, out_stride);
    default:
      return multiply_rows<4>(dtype, w, outputs, inner, x, out, out_stride);
  }
}

}  // namespace

extern const MatvecKernels kMatvec;
const MatvecKernels kMatvec = {multiply};

}  // namespace onmal::kernels::ONMAL_ISA

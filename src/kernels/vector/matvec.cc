#include "kernels/matvec.h"

#include "kernels/vec.h"
#include "kernels/vector/dequantize.h"
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

// What a tile works on: rows of weights `far` rows apart. Each is one long stream through memory,
// as the processor's prefetcher likes it; neighbouring rows at once would look to it like jumping.
// Whether lines are asked for ahead as well depends on the processor (kernels/select.cc).
struct Problem {
  const void* w;
  int64_t far;
  int64_t inner;
  const float* x;
  float* out;
  int64_t out_stride;
};

#if defined(ONMAL_READS_AHEAD)
constexpr int64_t kBytesAhead = 1024;
#else
constexpr int64_t kBytesAhead = 0;
#endif

template <int kOutputs, int kRows>
ONMAL_INLINE void store_sums(const Problem& p, int64_t n, const Vec (&sums)[kOutputs][kRows]) {
  for (int o = 0; o < kOutputs; ++o) {
    for (int m = 0; m < kRows; ++m) p.out[m * p.out_stride + n + o * p.far] = sums[o][m].sum();
  }
}

// kRows rows of x against kOutputs rows of plain weights at once: sums stay in registers.
template <typename Format, int kOutputs, int kRows>
ONMAL_INLINE void plain_tile(const Problem& p, int64_t n) {
  constexpr int kSteps = kOutputs * kRows < 4 ? 4 / (kOutputs * kRows) : 1;  // independent sums
  constexpr int64_t kStep = kSteps * Vec::kWidth;
  const auto* w = static_cast<const typename Format::Stored*>(p.w) + n * p.inner;
  Vec sums[kSteps][kOutputs][kRows];
  for (int s = 0; s < kSteps; ++s) {
    for (int o = 0; o < kOutputs; ++o) {
      for (int m = 0; m < kRows; ++m) sums[s][o][m] = Vec::zero();
    }
  }
  int64_t k = 0;
  for (; k + kStep <= p.inner; k += kStep) {
#pragma GCC unroll 4
    for (int s = 0; s < kSteps; ++s) {
      const int64_t at = k + s * Vec::kWidth;
#pragma GCC unroll 4
      for (int o = 0; o < kOutputs; ++o) {
        const typename Format::Stored* place = w + o * p.far * p.inner + at;
        constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(typename Format::Stored));
        if (kBytesAhead > 0 && (kStep < kLine || s * Vec::kWidth % kLine == 0))
          __builtin_prefetch(reinterpret_cast<const char*>(place) + kBytesAhead);
        const Vec weights = Format::load(place);
#pragma GCC unroll 4
        for (int m = 0; m < kRows; ++m) {
          sums[s][o][m] = Vec::fma(weights, Vec::load(p.x + m * p.inner + at), sums[s][o][m]);
        }
      }
    }
  }
  for (int s = 1; s < kSteps; ++s) {
    for (int o = 0; o < kOutputs; ++o) {
      for (int m = 0; m < kRows; ++m) sums[0][o][m] = sums[0][o][m] + sums[s][o][m];
    }
  }
  store_sums<kOutputs, kRows>(p, n, sums[0]);
  for (; k < p.inner; ++k) {
    for (int o = 0; o < kOutputs; ++o) {
      const float weight = Format::one(w + o * p.far * p.inner + k);
      for (int m = 0; m < kRows; ++m) {
        p.out[m * p.out_stride + n + o * p.far] += weight * p.x[m * p.inner + k];
      }
    }
  }
}

// The scales of kOutputs blocks, gathered in an integer register and widened at once; each is then
// broadcast as it is read back from memory.
template <int kOutputs>
ONMAL_INLINE void load_scales(const BlockQ8_0* const (&blocks)[kOutputs], float* scales) {
#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)
  uint64_t halves = 0;
  for (int o = 0; o < kOutputs; ++o) {
    halves |= static_cast<uint64_t>(blocks[o]->scale) << (16 * o);
  }
  _mm_storeu_ps(scales, _mm_cvtph_ps(_mm_cvtsi64_si128(static_cast<int64_t>(halves))));
  asm("" : "+m"(*reinterpret_cast<float(*)[4]>(scales)));  // the compiler would take it apart again
#else
  for (int o = 0; o < kOutputs; ++o) Vec::all_f16(blocks[o]->scale).store(scales + o);
#endif
}

// sums += block · x. One or two rows: scaled after the sum of a block, more: before (both exact to
// the stored weights, since scale * value fits a float).
template <int kRows>
ONMAL_INLINE void add_block(const BlockQ8_0* block, float block_scale, const float* x,
                            int64_t inner, Vec (&sums)[kRows]) {
  const Vec scale = Vec::all(block_scale);
  Vec products[kRows];
#pragma GCC unroll 8
  for (int i = 0; i < kQ8BlockSize; i += Vec::kWidth) {
    const Vec values = Vec::load_i8(block->values + i);
    const Vec weights = kRows > 2 ? scale * values : values;
#pragma GCC unroll 4
    for (int m = 0; m < kRows; ++m) {
      const Vec here = Vec::load(x + m * inner + i);
      if constexpr (kRows > 2) {
        sums[m] = Vec::fma(weights, here, sums[m]);
      } else {
        products[m] = i == 0 ? weights * here : Vec::fma(weights, here, products[m]);
      }
    }
  }
  if constexpr (kRows <= 2) {
    for (int m = 0; m < kRows; ++m) sums[m] = Vec::fma(scale, products[m], sums[m]);
  }
}

// From the second-level cache, where the processor's own prefetching has brought the weights.
constexpr int64_t kPrefetchBytes = 512;

template <int kOutputs, int kRows>
ONMAL_INLINE void q8_0_tile(const Problem& p, int64_t n) {
  const int64_t blocks = p.inner / kQ8BlockSize;
  const BlockQ8_0* w = static_cast<const BlockQ8_0*>(p.w) + n * blocks;
  Vec sums[kOutputs][kRows];
  for (int o = 0; o < kOutputs; ++o) {
    for (int m = 0; m < kRows; ++m) sums[o][m] = Vec::zero();
  }
  for (int64_t block = 0; block < blocks; ++block) {
    const BlockQ8_0* here[kOutputs];
    float scales[4 + Vec::kWidth];
    for (int o = 0; o < kOutputs; ++o) {
      here[o] = w + o * p.far * blocks + block;
      __builtin_prefetch(reinterpret_cast<const char*>(here[o]) + kPrefetchBytes);
    }
    load_scales<kOutputs>(here, scales);
#pragma GCC unroll 4
    for (int o = 0; o < kOutputs; ++o) {
      add_block<kRows>(here[o], scales[o], p.x + block * kQ8BlockSize, p.inner, sums[o]);
    }
  }
  store_sums<kOutputs, kRows>(p, n, sums);
}

constexpr int kOutputsAtOnce = 4;

template <typename Format, int kRows>
void plain_rows(Problem p, int64_t outputs) {
  p.far = outputs / kOutputsAtOnce;
  for (int64_t n = 0; n < p.far; ++n) plain_tile<Format, kOutputsAtOnce, kRows>(p, n);
  for (int64_t n = p.far * kOutputsAtOnce; n < outputs; ++n) plain_tile<Format, 1, kRows>(p, n);
}

template <int kRows>
void q8_0_rows(Problem p, int64_t outputs) {
  p.far = outputs / kOutputsAtOnce;
  for (int64_t n = 0; n < p.far; ++n) q8_0_tile<kOutputsAtOnce, kRows>(p, n);
  for (int64_t n = p.far * kOutputsAtOnce; n < outputs; ++n) q8_0_tile<1, kRows>(p, n);
}

// Formats without a tile of their own: a piece of a row at a time is decoded, then multiplied.
template <int kRows>
void decoded_rows(DType dtype, const Problem& p, int64_t outputs) {
  constexpr int64_t kPiece = 256;
  float piece[kPiece];
  for (int64_t n = 0; n < outputs; ++n) {
    Vec sums[kRows];
    for (int m = 0; m < kRows; ++m) sums[m] = Vec::zero();
    for (int64_t k = 0; k < p.inner; k += kPiece) {
      const int64_t here = p.inner - k < kPiece ? p.inner - k : kPiece;
      dequantize_groups(dtype, p.w, (n * p.inner + k) / 32, here / 32, piece);
      for (int64_t i = 0; i < here; i += Vec::kWidth) {
        const Vec weights = Vec::load(piece + i);
        for (int m = 0; m < kRows; ++m)
          sums[m] = Vec::fma(weights, Vec::load(p.x + m * p.inner + k + i), sums[m]);
      }
    }
    for (int m = 0; m < kRows; ++m) p.out[m * p.out_stride + n] = sums[m].sum();
  }
}

template <int kRows>
void multiply_rows(DType dtype, const Problem& p, int64_t outputs) {
  if (dtype == DType::kQ8_0) {
    q8_0_rows<kRows>(p, outputs);
  } else if (dtype == DType::kF16) {
    plain_rows<F16, kRows>(p, outputs);
  } else if (dtype == DType::kBF16) {
    plain_rows<BF16, kRows>(p, outputs);
  } else if (dtype == DType::kF32) {
    plain_rows<F32, kRows>(p, outputs);
  } else {
    decoded_rows<kRows>(dtype, p, outputs);
  }
}

void multiply(DType dtype, const void* w, int64_t outputs, int64_t inner, const float* x,
              int64_t rows, float* out, int64_t out_stride) {
  const Problem p = {w, 0, inner, x, out, out_stride};
  switch (rows) {
    case 1:
      return multiply_rows<1>(dtype, p, outputs);
    case 2:
      return multiply_rows<2>(dtype, p, outputs);
    case 3:
      return multiply_rows<3>(dtype, p, outputs);
    default:
      return multiply_rows<4>(dtype, p, outputs);
  }
}

}  // namespace

extern const MatvecKernels kMatvec;
const MatvecKernels kMatvec = {multiply};

}  // namespace onmal::kernels::ONMAL_ISA

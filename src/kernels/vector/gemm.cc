#include "kernels/gemm.h"

#include "kernels/vec.h"
#include "numeric/blocks.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

// Registers: kRows * kVectors sums, kVectors of the right factor, one broadcast of the left.
#if defined(ONMAL_ISA_AVX512)
constexpr int kRows = 12;
constexpr int kVectors = 2;
#elif defined(ONMAL_ISA_AVX2)
constexpr int kRows = 4;
constexpr int kVectors = 3;
#elif defined(ONMAL_ISA_NEON)
constexpr int kRows = 8;
constexpr int kVectors = 2;
#else
constexpr int kRows = 4;
constexpr int kVectors = 2;
#endif
constexpr int kColumns = kVectors * Vec::kWidth;

void multiply_tile(int64_t depths, const float* a, const float* b, const float* bias, float* c,
                   int64_t c_stride, bool accumulate) {
  Vec sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[r][v] = Vec::zero();
  }
  for (int64_t k = 0; k < depths; ++k) {
    Vec right[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) right[v] = Vec::load(b + v * Vec::kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec left = Vec::all(a[r]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = Vec::fma(left, right[v], sums[r][v]);
    }
    a += kRows;
    b += kColumns;
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* target = c + r * c_stride + v * Vec::kWidth;
      Vec sum = sums[r][v];
      if (bias != nullptr) sum = sum + Vec::load(bias + v * Vec::kWidth);
      if (accumulate) sum = sum + Vec::load(target);
      sum.store(target);
    }
  }
}

// A tile at the border: computed whole into a buffer, copied in part.
void multiply_border(int64_t depths, int64_t rows, int64_t columns, const float* a, const float* b,
                     const float* bias, float* c, int64_t c_stride, bool accumulate) {
  float buffer[kRows * kColumns];
  multiply_tile(depths, a, b, nullptr, buffer, kColumns, false);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < columns; ++j) {
      float sum = buffer[r * kColumns + j];
      if (bias != nullptr) sum += bias[j];
      float& target = c[r * c_stride + j];
      target = accumulate ? target + sum : sum;
    }
  }
}

void multiply(int64_t depths, int64_t rows, int64_t columns, const float* a, const float* b,
              const float* bias, float* c, int64_t c_stride, bool accumulate) {
  for (int64_t j = 0; j < columns; j += kColumns) {
    const float* b_panel = b + j * depths;
    const float* bias_here = bias == nullptr ? nullptr : bias + j;
    for (int64_t i = 0; i < rows; i += kRows) {
      const float* a_panel = a + i * depths;
      float* target = c + i * c_stride + j;
      if (i + kRows <= rows && j + kColumns <= columns) {
        multiply_tile(depths, a_panel, b_panel, bias_here, target, c_stride, accumulate);
      } else {
        const int64_t rows_left = rows - i < kRows ? rows - i : kRows;
        const int64_t columns_left = columns - j < kColumns ? columns - j : kColumns;
        multiply_border(depths, rows_left, columns_left, a_panel, b_panel, bias_here, target,
                        c_stride, accumulate);
      }
    }
  }
}

float half_to_float(uint16_t half) {
  float values[Vec::kWidth];
  Vec::all_f16(half).store(values);
  return values[0];
}

// Values [begin, begin + count) counted from `data` as f32: in place for f32, else converted into
// `buffer` (which needs room for 64 more: whole blocks are converted).
const float* as_floats(const void* data, DType dtype, int64_t begin, int64_t count, float* buffer) {
  if (dtype == DType::kF32) return static_cast<const float*>(data) + begin;
  if (dtype == DType::kQ8_0) {
    const auto* blocks = static_cast<const BlockQ8_0*>(data);
    const int64_t first = begin / kQ8BlockSize;
    const int64_t last = (begin + count + kQ8BlockSize - 1) / kQ8BlockSize;
    for (int64_t block = first; block < last; ++block) {
      const Vec scale = Vec::all_f16(blocks[block].scale);
      for (int64_t i = 0; i < kQ8BlockSize; i += Vec::kWidth) {
        (scale * Vec::load_i8(blocks[block].values + i))
            .store(buffer + (block - first) * kQ8BlockSize + i);
      }
    }
    return buffer + begin % kQ8BlockSize;
  }
  const uint16_t* halves = static_cast<const uint16_t*>(data) + begin;
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
    (dtype == DType::kF16 ? Vec::load_f16(halves + i) : Vec::load_bf16(halves + i))
        .store(buffer + i);
  }
  for (; i < count; ++i) {
    if (dtype == DType::kF16) {
      buffer[i] = half_to_float(halves[i]);
    } else {
      const uint32_t bits = static_cast<uint32_t>(halves[i]) << 16;
      __builtin_memcpy(buffer + i, &bits, sizeof bits);
    }
  }
  return buffer;
}

typedef float Four __attribute__((vector_size(16)));
typedef int32_t FourInts __attribute__((vector_size(16)));

ONMAL_INLINE Four load4(const float* p) {
  Four x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

// Four lanes of four depths each, written depth by depth: out[k * tile + lane].
ONMAL_INLINE void transpose4(const float* const* lanes, int64_t k, float* out, int64_t tile) {
  const Four a = load4(lanes[0] + k);
  const Four b = load4(lanes[1] + k);
  const Four c = load4(lanes[2] + k);
  const Four d = load4(lanes[3] + k);
  const Four ab_low = __builtin_shuffle(a, b, FourInts{0, 4, 1, 5});
  const Four ab_high = __builtin_shuffle(a, b, FourInts{2, 6, 3, 7});
  const Four cd_low = __builtin_shuffle(c, d, FourInts{0, 4, 1, 5});
  const Four cd_high = __builtin_shuffle(c, d, FourInts{2, 6, 3, 7});
  const Four rows[4] = {__builtin_shuffle(ab_low, cd_low, FourInts{0, 1, 4, 5}),
                        __builtin_shuffle(ab_low, cd_low, FourInts{2, 3, 6, 7}),
                        __builtin_shuffle(ab_high, cd_high, FourInts{0, 1, 4, 5}),
                        __builtin_shuffle(ab_high, cd_high, FourInts{2, 3, 6, 7})};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) __builtin_memcpy(out + i * tile, &rows[i], sizeof(Four));
}

// A panel whose lanes lie depth after depth in memory. Four lanes at a time; missing lanes read
// zeros.
void pack_transposed(const GemmOperand& operand, int64_t first, int64_t lanes, int64_t depth,
                     int64_t depths, int64_t tile, float* out, float* scratch) {
  // For formats other than f32 each lane is converted and written on its own: there is one buffer
  // only.
  const bool direct = operand.dtype == DType::kF32;
  for (int64_t lane = 0; lane < tile; lane += 4) {
    const float* rows[4];
    if (direct && lane + 4 <= lanes) {
      for (int64_t i = 0; i < 4; ++i) {
        rows[i] =
            static_cast<const float*>(operand.data) + (first + lane + i) * operand.stride + depth;
      }
      int64_t k = 0;
      for (; k + 4 <= depths; k += 4) transpose4(rows, k, out + k * tile + lane, tile);
      for (; k < depths; ++k) {
        for (int64_t i = 0; i < 4; ++i) out[k * tile + lane + i] = rows[i][k];
      }
      continue;
    }
    for (int64_t i = lane; i < lane + 4; ++i) {
      if (i >= lanes) {
        for (int64_t k = 0; k < depths; ++k) out[k * tile + i] = 0.0F;
        continue;
      }
      const float* row = as_floats(operand.data, operand.dtype,
                                   (first + i) * operand.stride + depth, depths, scratch);
      for (int64_t k = 0; k < depths; ++k) out[k * tile + i] = row[k];
    }
  }
}

// A panel whose lanes lie side by side in memory.
void pack_straight(const GemmOperand& operand, int64_t first, int64_t lanes, int64_t depth,
                   int64_t depths, int64_t tile, float* out, float* scratch) {
  for (int64_t k = 0; k < depths; ++k) {
    const float* row = as_floats(operand.data, operand.dtype, (depth + k) * operand.stride + first,
                                 lanes, scratch);
    float* target = out + k * tile;
    int64_t i = 0;
    for (; i + 4 <= lanes; i += 4) {
      const Four four = load4(row + i);
      __builtin_memcpy(target + i, &four, sizeof four);
    }
    for (; i < lanes; ++i) target[i] = row[i];
    for (; i < tile; ++i) target[i] = 0.0F;
  }
}

void pack(const GemmOperand& operand, int64_t first, int64_t lanes, int64_t depth, int64_t depths,
          int64_t tile, float* out, float* scratch) {
  for (int64_t lane = 0; lane < lanes; lane += tile) {
    const int64_t here = lanes - lane < tile ? lanes - lane : tile;
    if (operand.depth_contiguous) {
      pack_transposed(operand, first + lane, here, depth, depths, tile, out + lane * depths,
                      scratch);
    } else {
      pack_straight(operand, first + lane, here, depth, depths, tile, out + lane * depths, scratch);
    }
  }
}

}  // namespace

extern const GemmKernels kGemm;
const GemmKernels kGemm = {kRows, kColumns, pack, multiply};

}  // namespace onmal::kernels::ONMAL_ISA

#pragma once

#include "kernels/gemm.h"
#include "kernels/vec.h"
#include "kernels/vector/quantized.h"
#include "numeric/blocks.h"

// Copies a factor of a product into panels. Format says what a word of a panel holds:
//   kDepthStep                        depths in a word
//   along_depth(x, depths, words)     one lane's values to its words; may return x itself
//   across_lanes(rows, lanes, words)  kDepthStep rows of lanes to a row of words; may return a row
namespace onmal::kernels::ONMAL_ISA {

// Values [begin, begin + count) counted from `data` as f32: in place for f32, else converted into
// `buffer` (which needs room for 64 more: whole pieces of 32 are converted).
inline const float* as_floats(const void* data, DType dtype, int64_t begin, int64_t count,
                              float* buffer) {
  if (dtype == DType::kF32) return static_cast<const float*>(data) + begin;
  if (dtype == DType::kQ8_0) {
    const auto* blocks = static_cast<const BlockQ8_0*>(data);
    const int64_t first = begin / kQ8BlockSize;
    const int64_t last = (begin + count + kQ8BlockSize - 1) / kQ8BlockSize;
    for (int64_t block = first; block < last; ++block) {
      const Vec scale = Vec::all_f16(blocks[block].scale);
      float* target = buffer + (block - first) * kQ8BlockSize;
#pragma GCC unroll 8
      for (int i = 0; i < kQ8BlockSize; i += Vec::kWidth) {
        (scale * Vec::load_i8(blocks[block].values + i)).store(target + i);
      }
    }
    return buffer + begin % kQ8BlockSize;
  }
  if (dtype != DType::kF16 && dtype != DType::kBF16) {
    decode_pieces(dtype, data, begin / kPieceValues,
                  (begin + count + kPieceValues - 1) / kPieceValues, buffer);
    return buffer + begin % kPieceValues;
  }
  const uint16_t* halves = static_cast<const uint16_t*>(data) + begin;
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
    (dtype == DType::kF16 ? Vec::load_f16(halves + i) : Vec::load_bf16(halves + i))
        .store(buffer + i);
  }
  if (i < count) {  // the rest through a padded copy
    uint16_t rest[Vec::kWidth] = {};
    for (int64_t j = i; j < count; ++j) rest[j - i] = halves[j];
    (dtype == DType::kF16 ? Vec::load_f16(rest) : Vec::load_bf16(rest)).store(buffer + i);
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

#if defined(__clang__)
#define ONMAL_SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define ONMAL_SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, FourInts{i, j, k, l})
#endif

// Four lanes of four words each, written depth by depth: out[k * tile + lane].
ONMAL_INLINE void transpose4(const float* const* lanes, int64_t k, float* out, int64_t tile) {
  const Four a = load4(lanes[0] + k);
  const Four b = load4(lanes[1] + k);
  const Four c = load4(lanes[2] + k);
  const Four d = load4(lanes[3] + k);
  const Four ab_low = ONMAL_SHUFFLE4(a, b, 0, 4, 1, 5);
  const Four ab_high = ONMAL_SHUFFLE4(a, b, 2, 6, 3, 7);
  const Four cd_low = ONMAL_SHUFFLE4(c, d, 0, 4, 1, 5);
  const Four cd_high = ONMAL_SHUFFLE4(c, d, 2, 6, 3, 7);
  const Four rows[4] = {
      ONMAL_SHUFFLE4(ab_low, cd_low, 0, 1, 4, 5), ONMAL_SHUFFLE4(ab_low, cd_low, 2, 3, 6, 7),
      ONMAL_SHUFFLE4(ab_high, cd_high, 0, 1, 4, 5), ONMAL_SHUFFLE4(ab_high, cd_high, 2, 3, 6, 7)};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) __builtin_memcpy(out + i * tile, &rows[i], sizeof(Four));
}

// Asks for the cache lines of values [begin, begin + count).
ONMAL_INLINE void prefetch_values(const GemmOperand& operand, int64_t begin, int64_t count) {
  const int64_t bytes = bytes_per_256(operand.dtype);
  const char* first = static_cast<const char*>(operand.data) + begin * bytes / 256;
  for (int64_t byte = 0; byte < count * bytes / 256; byte += 64) __builtin_prefetch(first + byte);
}

// One lane's words at [begin, begin + depths) of the operand; in `slot` unless they can be read in
// place.
template <typename Format>
ONMAL_INLINE const float* lane_words(const GemmOperand& operand, int64_t begin, int64_t depths,
                                     float* slot, float* floats) {
  if constexpr (Format::kInPlace) {
    return as_floats(operand.data, operand.dtype, begin, depths, slot);
  } else {
    Format::along_depth(as_floats(operand.data, operand.dtype, begin, depths, floats), depths,
                        slot);
    return slot;
  }
}

// A panel whose lanes lie depth after depth in memory: by stretches of depths that keep the part
// written in the first-level cache, four lanes at a time; missing lanes read zeros.
template <typename Format, int kTile>
void pack_along_depth(const GemmOperand& operand, int64_t first, int64_t lanes, int64_t depth,
                      int64_t depths, float* out, float* scratch) {
  constexpr int64_t kStretch = 64;
  constexpr int64_t kRoom = kStretch + 64;
  float* floats = scratch + 4 * kRoom;
  for (int64_t begin = 0; begin < depths; begin += kStretch) {
    const int64_t here = depths - begin < kStretch ? depths - begin : kStretch;
    const int64_t words = (here + Format::kDepthStep - 1) / Format::kDepthStep;
    float* target = out + begin / Format::kDepthStep * kTile;
    for (int64_t lane = 0; lane < kTile; lane += 4) {
      const float* rows[4];
      for (int64_t i = 0; i < 4; ++i) {
        float* slot = scratch + i * kRoom;
        if (lane + i < lanes) {
          const int64_t place = (first + lane + i) * operand.stride + depth + begin;
          prefetch_values(operand, place + 2 * kStretch, kStretch);
          rows[i] = lane_words<Format>(operand, place, here, slot, floats);
        } else {
          __builtin_memset(slot, 0, static_cast<size_t>(words) * sizeof(float));
          rows[i] = slot;
        }
      }
      int64_t k = 0;
      for (; k + 4 <= words; k += 4) transpose4(rows, k, target + k * kTile + lane, kTile);
      for (; k < words; ++k) {
        for (int64_t i = 0; i < 4; ++i) {
          __builtin_memcpy(target + k * kTile + lane + i, rows[i] + k, sizeof(float));
        }
      }
    }
  }
}

// Panels whose lanes lie side by side in memory: each row is read once and dealt out to all panels.
template <typename Format, int kTile>
void pack_across_lanes(const GemmOperand& operand, int64_t first, int64_t lanes, int64_t depth,
                       int64_t depths, float* out, float* scratch) {
  const int64_t words = (depths + Format::kDepthStep - 1) / Format::kDepthStep;
  const int64_t room = lanes + 64;
  for (int64_t word = 0; word < words; ++word) {
    const float* rows[Format::kDepthStep];
    for (int64_t i = 0; i < Format::kDepthStep; ++i) {
      const int64_t k = word * Format::kDepthStep + i;
      float* slot = scratch + i * room;
      if (k < depths) {
        rows[i] = as_floats(operand.data, operand.dtype, (depth + k) * operand.stride + first,
                            lanes, slot);
      } else {
        __builtin_memset(slot, 0, static_cast<size_t>(lanes) * sizeof(float));
        rows[i] = slot;
      }
    }
    const float* row = rows[0];
    if constexpr (!Format::kInPlace) {
      row = scratch + Format::kDepthStep * room;
      Format::across_lanes(rows, lanes, scratch + Format::kDepthStep * room);
    }
    float* target = out + word * kTile;
    int64_t lane = 0;
    for (; lane + kTile <= lanes; lane += kTile, target += words * kTile) {
      __builtin_memcpy(target, row + lane, kTile * sizeof(float));
    }
    if (lane < lanes) {
      const auto bytes = static_cast<size_t>(lanes - lane) * sizeof(float);
      __builtin_memset(target, 0, kTile * sizeof(float));
      __builtin_memcpy(target, row + lane, bytes);
    }
  }
}

template <typename Format, int kTile>
void pack_panels(const GemmOperand& operand, int64_t first, int64_t lanes, int64_t depth,
                 int64_t depths, float* out, float* scratch) {
  if (!operand.depth_contiguous) {
    return pack_across_lanes<Format, kTile>(operand, first, lanes, depth, depths, out, scratch);
  }
  const int64_t words = (depths + Format::kDepthStep - 1) / Format::kDepthStep;
  for (int64_t lane = 0; lane < lanes; lane += kTile) {
    pack_along_depth<Format, kTile>(operand, first + lane,
                                    lanes - lane < kTile ? lanes - lane : kTile, depth, depths,
                                    out + lane * words, scratch);
  }
}

}  // namespace onmal::kernels::ONMAL_ISA

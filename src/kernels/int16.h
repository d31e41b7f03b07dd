#pragma once

#include <cstdint>

#include "numeric/dtype.h"

// Products of f16 and bf16 weights with many rows of activations, both rounded to integers of 14
// bits with one scale for 32 depths. A dot product of 16-bit pairs (VPDPWSSD; VPMADDWD of AVX2)
// makes twice as many products as a multiplication in f32, and 32 products of such integers fit 32
// bits.
//
// The error is that of rounding: at most 1/16382 of a group's largest value. Rounding to f16
// instead leaves at most 1/2048 of each value.
namespace onmal::kernels {

inline constexpr int64_t kInt16Group = 32;
inline constexpr int64_t kInt16PanelOutputs = 16;
inline constexpr float kInt16Most = 8191.0F;  // 32 * 8191^2 < 2^31

// `lanes` rows side by side: tile_rows of x or kInt16PanelOutputs of w.
struct Int16Lanes {
  int16_t* values;  // [groups, 16, lanes, 2]
  float* scales;    // [groups, lanes]; NaN for a group with NaN or infinity
};

struct Int16Kernels {
  int64_t tile_rows;
  // `rows` <= tile_rows rows of x, `stride` floats apart, `groups` * 32 depths; missing rows are 0.
  void (*pack_tile)(const float* x, int64_t stride, int64_t rows, int64_t groups,
                    const Int16Lanes& tile);
  // The same for `rows` <= kInt16PanelOutputs rows of w (kF16 or kBF16).
  void (*pack_panel)(DType dtype, const uint16_t* w, int64_t stride, int64_t rows, int64_t groups,
                     const Int16Lanes& panel);
  // out[rows, columns] (+)= tile · panel^T over `groups`.
  void (*multiply)(const Int16Lanes& tile, const Int16Lanes& panel, int64_t groups, int64_t rows,
                   int64_t columns, bool accumulate, float* out, int64_t out_stride);
};

}  // namespace onmal::kernels

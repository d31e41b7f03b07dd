#pragma once

#include <cstdint>

#include "numeric/dtype.h"

namespace onmal::kernels {

// One factor of a product. Its element of lane i (a row of the left factor, a column of the right
// one) at depth k is data[i * stride + k] when depth_contiguous, else data[k * stride + i]; stride
// in values.
struct GemmOperand {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  int64_t stride = 0;
  bool depth_contiguous = true;
};

// The single-threaded parts of C[m, n] = A · B: both factors are copied into panels of `row_tile`
// (left) and `column_tile` (right) lanes, depth by depth, so that the innermost loop reads both
// front to back (Goto & van de Geijn, 2008). Lanes beyond the matrix are zero. A panel is made of
// words of 4 bytes: one f32, or `depth_step` = 2 neighbouring depths as bf16.
struct GemmKernels {
  int64_t row_tile;
  int64_t column_tile;
  int64_t depth_step;

  int64_t words(int64_t depths) const { return (depths + depth_step - 1) / depth_step; }
  // Floats of scratch that packing `lanes` lanes needs.
  static int64_t scratch_floats(int64_t lanes) { return 3 * (lanes + 64) + 1024; }

  // Panels of lanes [first, first + lanes) and depths [depth, depth + depths). tile: row_tile or
  // column_tile. out: ceil(lanes / tile) panels of words(depths) * tile words.
  void (*pack)(const GemmOperand& operand, int64_t first, int64_t lanes, int64_t depth,
               int64_t depths, int64_t tile, float* out, float* scratch);
  // c[rows, columns] (+)= a panels · b panels (+ bias[columns], when not null).
  void (*multiply)(int64_t words, int64_t rows, int64_t columns, const float* a, const float* b,
                   const float* bias, float* c, int64_t c_stride, bool accumulate);
};

}  // namespace onmal::kernels

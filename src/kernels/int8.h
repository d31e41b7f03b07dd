#pragma once

#include <cstdint>

#include "numeric/dtype.h"

// Products of quantised weights with activations rounded to 8 bits, added up in integers.
//
// A format is read as groups of 32 weights: value = scale * (u - zero) - minimum with unsigned
// bytes u, one zero per format, and a scale (and minimum) per group or per half of one. Activations
// get one scale per group: x = scale * v, v in [-127, 127]. Then
//   sum w x = sum over groups of w.scale * x.scale * (sum u v - zero * sum v) - minimum * sum x.
namespace onmal::kernels {

inline constexpr int64_t kInt8Group = 32;
inline constexpr int64_t kInt8Step = 8;           // groups that are read together: 256 weights
inline constexpr int64_t kInt8PanelOutputs = 16;  // weight rows of a panel
inline constexpr int64_t kInt8MostFewRows = 8;    // of multiply_few
inline constexpr int64_t kInt8Stretch = 64;       // groups added up before they join the total

// Rounded rows one behind the other. `groups` is the row's length in groups, rounded up to a
// multiple of kInt8Step; what lies behind the last group is zero.
struct Int8Rows {
  int8_t* values;    // [rows, groups * 32]
  float* scales;     // [rows, groups]
  float* sums;       // [rows, groups]: scale * sum of the group's values
  float* half_sums;  // [rows, 2 * groups]: the same for its first and last 16 values
  int32_t* totals;   // [rows, 2 * groups]: half_sums without the scale
  int64_t groups;
};

// tile_rows rows of x side by side, as the product kernel reads them. Starts and sums are written
// for the formats that need them: those with a zero, those with minima.
struct Int8Tile {
  void* values;
  int32_t* starts;  // [groups, 2, tile_rows]: -zero * sum of the values of each half
  float* scales;    // [groups, tile_rows]
  float* sums;      // [groups, 2, tile_rows]: scale * sum of the values of each half
};

// kInt8PanelOutputs rows of weights side by side.
struct Int8Panel {
  uint8_t* values;  // 512 bytes a group, or 1024 where they are multiplied in pairs of 16 bits
  float* scales;    // [groups, 2, 16]; formats with one scale a group use the first half
  float* minima;    // the same
};

struct Int8Kernels {
  int64_t tile_rows;
  int64_t tile_panels;                       // side by side, in one multiply
  int64_t (*tile_group_bytes)(DType dtype);  // of Int8Tile::values, for weights of this format

  // Whether the format has integer kernels (all quantised ones).
  bool (*supports)(DType dtype);

  // One row of `inner` floats (a multiple of 32) into row `row` of `out`. A row with NaN or
  // infinity gets NaN scales where they stand, so that they come through.
  void (*quantize_row)(const float* x, int64_t inner, const Int8Rows& out, int64_t row);

  // out[m * out_stride + n] = x row m · w row n for `outputs` rows of w, one behind the other, and
  // `rows` <= kInt8MostFewRows rows of x from `row` on. Weights are read once, where they lie.
  void (*multiply_few)(DType dtype, const void* w, int64_t outputs, int64_t inner,
                       const Int8Rows& x, int64_t row, int64_t rows, float* out,
                       int64_t out_stride);

  // The packed form: panels of kInt8PanelOutputs rows, laid out for this instruction set, so many
  // bytes each; 0 for a format that has none here.
  int64_t (*packed_panel_bytes)(DType dtype, int64_t inner);
  // `rows` <= 16 rows of w, row_bytes apart, as one packed panel. Rows beyond are zero.
  void (*repack_panel)(DType dtype, const void* w, int64_t row_bytes, int64_t rows, int64_t inner,
                       uint8_t* out);
  // As pack_panel, from a packed one.
  void (*unpack_panel)(DType dtype, const uint8_t* packed, int64_t inner, int64_t first,
                       int64_t groups, const Int8Panel& panel);
  // As multiply_few, for packed panels one behind the other and any number of rows.
  void (*multiply_packed)(DType dtype, const uint8_t* packed, int64_t outputs, int64_t inner,
                          const Int8Rows& x, int64_t row, int64_t rows, float* out,
                          int64_t out_stride);

  // Rows [row, row + rows) of x as a tile for weights of `dtype`; rows beyond are zero.
  void (*pack_tile)(DType dtype, const Int8Rows& x, int64_t row, int64_t rows,
                    const Int8Tile& tile);
  // `rows` <= 16 rows of w, row_bytes apart, groups [first, first + groups); first and groups are
  // multiples of kInt8Step (groups but in the row's last piece). Rows beyond are zero.
  void (*pack_panel)(DType dtype, const void* w, int64_t row_bytes, int64_t rows, int64_t first,
                     int64_t groups, const Int8Panel& panel);
  // out[rows, columns] (+)= tile · panels^T over `groups` groups, of the tile those from `first`
  // on; rows <= tile_rows, columns <= 16 * tile_panels. Panels that no column comes from are not
  // looked at.
  void (*multiply)(DType dtype, const Int8Tile& tile, int64_t first, const Int8Panel* panels,
                   int64_t groups, int64_t rows, int64_t columns, bool accumulate, float* out,
                   int64_t out_stride);
};

}  // namespace onmal::kernels

#include "kernels/int8.h"

#include "kernels/vector/int8_pack.h"
#include "kernels/vector/int8_rows.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

struct Found {
  bool found = false;
  template <typename Format>
  void run() {
    found = true;
  }
};

bool supports(DType dtype) {
  Found action;
  with_format(dtype, action);
  return action.found;
}

void quantize_row(const float* x, int64_t inner, const Int8Rows& out, int64_t row) {
  quantize_row_groups(x, inner, out, row);
}

struct GroupBytes {
  int64_t bytes = 0;
  template <typename Format>
  void run() {
    bytes = kTileRows * kInt8Group * (kUsesQuads<Format> ? 1 : 2);
  }
};

int64_t tile_group_bytes(DType dtype) {
  GroupBytes action;
  with_format(dtype, action);
  return action.bytes;
}

void pack_tile(DType dtype, const Int8Rows& x, int64_t row, int64_t rows, const Int8Tile& tile) {
  with_format(dtype, TilePackAction{x, row, rows, tile});
}

void pack_panel(DType dtype, const void* w, int64_t row_bytes, int64_t rows, int64_t first,
                int64_t groups, const Int8Panel& panel) {
  with_format(dtype,
              PanelAction{static_cast<const uint8_t*>(w), row_bytes, rows, first, groups, panel});
}

void multiply(DType dtype, const Int8Tile& tile, int64_t first, const Int8Panel* panels,
              int64_t groups, int64_t rows, int64_t columns, bool accumulate, float* out,
              int64_t out_stride) {
  TileProblem problem{tile, first, {}, groups, rows, columns, accumulate, out, out_stride};
  for (int64_t i = 0; i < kTilePanels; ++i)
    problem.panels[i] = panels[i * kOutputs16 < columns ? i : 0];
  with_format(dtype, TileAction{problem});
}

}  // namespace

// In int8_few.cc and int8_packed.cc, so that they compile side by side.
void multiply_few(DType dtype, const void* w, int64_t outputs, int64_t inner, const Int8Rows& x,
                  int64_t row, int64_t rows, float* out, int64_t out_stride);
int64_t packed_panel_bytes(DType dtype, int64_t inner);
void repack_panel(DType dtype, const void* w, int64_t row_bytes, int64_t rows, int64_t inner,
                  uint8_t* out);
void unpack_panel(DType dtype, const uint8_t* packed, int64_t inner, int64_t first, int64_t groups,
                  const Int8Panel& panel);
void multiply_packed(DType dtype, const uint8_t* packed, int64_t outputs, int64_t inner,
                     const Int8Rows& x, int64_t row, int64_t rows, float* out, int64_t out_stride);

extern const Int8Kernels kInt8;
const Int8Kernels kInt8 = {
    kTileRows,    kTilePanels,        tile_group_bytes, supports,     quantize_row,
    multiply_few, packed_panel_bytes, repack_panel,     unpack_panel, multiply_packed,
    pack_tile,    pack_panel,         multiply,
};

}  // namespace onmal::kernels::ONMAL_ISA

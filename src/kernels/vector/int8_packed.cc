#include "kernels/vector/int8_packed.h"

namespace onmal::kernels::ONMAL_ISA {

int64_t packed_panel_bytes(DType dtype, int64_t inner);
void repack_panel(DType dtype, const void* w, int64_t row_bytes, int64_t rows, int64_t inner,
                  uint8_t* out);
void unpack_panel(DType dtype, const uint8_t* packed, int64_t inner, int64_t first, int64_t groups,
                  const Int8Panel& panel);
void multiply_packed(DType dtype, const uint8_t* packed, int64_t outputs, int64_t inner,
                     const Int8Rows& x, int64_t row, int64_t rows, float* out, int64_t out_stride);

#if defined(ONMAL_ISA_AVX512) || defined(ONMAL_ISA_AVX2)

namespace {

struct PanelBytes {
  int64_t groups;
  int64_t bytes = 0;
  template <typename Format>
  void run() {
    if constexpr (Format::kCanPack) bytes = Packed<Format>::panel_bytes(groups);
  }
};

}  // namespace

int64_t packed_panel_bytes(DType dtype, int64_t inner) {
  PanelBytes action{inner / kInt8Group};
  with_format(dtype, action);
  return action.bytes;
}

void repack_panel(DType dtype, const void* w, int64_t row_bytes, int64_t rows, int64_t inner,
                  uint8_t* out) {
  with_format(dtype, RepackAction{static_cast<const uint8_t*>(w), row_bytes, rows,
                                  inner / kInt8Group, out});
}

void unpack_panel(DType dtype, const uint8_t* packed, int64_t inner, int64_t first, int64_t groups,
                  const Int8Panel& panel) {
  with_format(dtype, UnpackAction{packed, first, groups, inner / kInt8Group, panel});
}

void multiply_packed(DType dtype, const uint8_t* packed, int64_t outputs, int64_t inner,
                     const Int8Rows& x, int64_t row, int64_t rows, float* out, int64_t out_stride) {
  const PackedProblem problem{
      packed, (outputs + kOutputs16 - 1) / kOutputs16, inner / kInt8Group, x, row, out, out_stride,
      outputs};
  with_format(dtype, PackedAction{problem, rows});
}

#else

int64_t packed_panel_bytes(DType, int64_t) { return 0; }
void repack_panel(DType, const void*, int64_t, int64_t, int64_t, uint8_t*) {}
void unpack_panel(DType, const uint8_t*, int64_t, int64_t, int64_t, const Int8Panel&) {}
void multiply_packed(DType, const uint8_t*, int64_t, int64_t, const Int8Rows&, int64_t, int64_t,
                     float*, int64_t) {}

#endif

}  // namespace onmal::kernels::ONMAL_ISA

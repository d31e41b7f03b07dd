#include "kernels/vector/int8_few.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

struct RowBytes {
  int64_t inner;
  int64_t bytes = 0;
  template <typename Format>
  void run() {
    bytes = inner / (kInt8Group * Format::kGroupsInBlock) *
            static_cast<int64_t>(sizeof(typename Format::Block));
  }
};

}  // namespace

void multiply_few(DType dtype, const void* w, int64_t outputs, int64_t inner, const Int8Rows& x,
                  int64_t row, int64_t rows, float* out, int64_t out_stride);
void multiply_few(DType dtype, const void* w, int64_t outputs, int64_t inner, const Int8Rows& x,
                  int64_t row, int64_t rows, float* out, int64_t out_stride) {
  RowBytes size{inner};
  with_format(dtype, size);
  const FewProblem problem{static_cast<const uint8_t*>(w),
                           size.bytes,
                           0,
                           inner / kInt8Group,
                           x,
                           row,
                           rows,
                           out,
                           out_stride};
  with_format(dtype, FewAction{problem, outputs});
}

}  // namespace onmal::kernels::ONMAL_ISA

#include <algorithm>
#include <cstring>

#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {
namespace {

constexpr int64_t kLookupsPerTask = 64;
constexpr int64_t kColumnsPerTask = 64;

void to_f32(const kernels::ConvertKernels& convert, DType dtype, const void* row, float* out,
            int64_t count) {
  switch (dtype) {
    case DType::kF16:
      return convert.f16_to_f32(static_cast<const uint16_t*>(row), out, count);
    case DType::kBF16:
      return convert.bf16_to_f32(static_cast<const uint16_t*>(row), out, count);
    case DType::kF32:
      std::copy_n(static_cast<const float*>(row), count, out);
      return;
    default:
      convert.quantized_to_f32(dtype, row, out, count);
  }
}

}  // namespace

void embedding(Exec& exec, const Tensor& table, const Tensor& ids, const Tensor& out) {
  const int64_t dim = table.dim(1);
  const int64_t row_bytes = table.bytes() / table.dim(0);
  exec.pool->for_blocks(0, ids.elements(), kLookupsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      to_f32(*exec.backend->kernels->convert, table.dtype(),
             table.data_as<std::byte>() + ids.i32()[i] * row_bytes, out.f32() + i * dim, dim);
    }
  });
}

// Cut by columns: every task walks the ids in order, so that repeated ids add up in the same order
// always.
void embedding_backward(Exec& exec, const Tensor& dout, const Tensor& ids, const Tensor& dtable,
                        bool accumulate) {
  const int64_t dim = dtable.dim(1);
  if (!accumulate) {
    exec.pool->for_blocks(0, dtable.elements(), int64_t{1} << 18, [&](int64_t begin, int64_t end) {
      std::memset(dtable.f32() + begin, 0, static_cast<size_t>(end - begin) * sizeof(float));
    });
  }
  exec.pool->for_blocks(0, dim, kColumnsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < ids.elements(); ++i) {
      float* target = dtable.f32() + ids.i32()[i] * dim + begin;
      exec.backend->kernels->elementwise->add(target, dout.f32() + i * dim + begin, target,
                                              end - begin);
    }
  });
}

}  // namespace onmal::cpu

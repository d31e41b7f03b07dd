#include "nn/kv_cache.h"

#include <algorithm>
#include <string>

#include "base/cpu.h"
#include "kernels/select.h"

namespace onmal {
namespace {

void copy_rows(const Tensor& source, const Tensor& target, int64_t row) {
  const int64_t width = source.elements() / source.dim(1);
  const int64_t count = source.elements();
  const kernels::ConvertKernels& convert = *kernels::table(detect_isa()).convert;
  std::byte* place = target.data_as<std::byte>() + dtype_bytes(target.dtype(), row * width);
  switch (target.dtype()) {
    case DType::kF32:
      std::copy_n(source.f32(), count, reinterpret_cast<float*>(place));
      return;
    case DType::kQ8_0:
      convert.f32_to_q8_0(source.f32(), reinterpret_cast<BlockQ8_0*>(place), count);
      return;
    default:
      convert.f32_to_f16(source.f32(), reinterpret_cast<uint16_t*>(place), count);
  }
}

Tensor first_rows(const Tensor& tensor, int64_t rows) {
  return Tensor::borrowed(tensor.data(), Shape{1, rows, tensor.dim(2), tensor.dim(3)},
                          tensor.dtype());
}

}  // namespace

KvCache::KvCache(Allocator& memory, int64_t layers, int64_t capacity, int64_t kv_heads,
                 int64_t head_dim, DType dtype)
    : capacity_(capacity) {
  ONMAL_ASSERT(dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kQ8_0);
  if (dtype == DType::kQ8_0 && head_dim % kQ8BlockSize != 0) {
    throw Error(
        ErrorCode::kUnsupported, "cache type q8_0",
        "needs heads of a multiple of 32 values, this model's have " + std::to_string(head_dim),
        "use f16");
  }
  const Shape shape{1, capacity, kv_heads, head_dim};
  for (int64_t i = 0; i < layers; ++i) {
    layers_.push_back({Tensor::empty(memory, shape, dtype), Tensor::empty(memory, shape, dtype)});
  }
}

int64_t KvCache::bytes() const {
  int64_t total = 0;
  for (const Layer& layer : layers_) total += layer.keys.bytes() + layer.values.bytes();
  return total;
}

KvCache::View KvCache::append(int64_t layer, const Tensor& keys, const Tensor& values) {
  const int64_t count = keys.dim(1);
  if (count > room()) {
    throw Error(ErrorCode::kResource, "context",
                std::to_string(length_ + count) + " tokens do not fit into the context of " +
                    std::to_string(capacity_) + " (" + std::to_string(length_ + count - capacity_) +
                    " too many)",
                "shorten the input or ask for a longer context");
  }
  const Layer& target = layers_[static_cast<size_t>(layer)];
  copy_rows(keys, target.keys, length_);
  copy_rows(values, target.values, length_);
  return {first_rows(target.keys, length_ + count), first_rows(target.values, length_ + count)};
}

void KvCache::commit(int64_t count) {
  ONMAL_ASSERT(count <= room());
  length_ += count;
}

void KvCache::truncate(int64_t length) {
  ONMAL_ASSERT(length >= 0 && length <= length_);
  length_ = length;
}

}  // namespace onmal

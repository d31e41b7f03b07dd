#include "nn/kv_cache.h"

#include <algorithm>
#include <string>

#include "base/cpu.h"
#include "kernels/select.h"

namespace onmal {
namespace {

Tensor first_rows(const Tensor& tensor, int64_t rows) {
  return Tensor::borrowed(tensor.data(), Shape{1, rows, tensor.dim(2), tensor.dim(3)},
                          tensor.dtype());
}

}  // namespace

void require_cache_type(DType dtype, int64_t head_dim) {
  ONMAL_ASSERT(dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kQ8_0);
  if (dtype == DType::kQ8_0 && head_dim % kQ8BlockSize != 0) {
    throw Error(
        ErrorCode::kUnsupported, "cache type q8_0",
        "needs heads of a multiple of 32 values, this model's have " + std::to_string(head_dim),
        "use f16");
  }
}

void store_tokens(const Tensor& source, int64_t from, int64_t count, const Tensor& target,
                  int64_t row) {
  const int64_t width = source.dim(2) * source.dim(3);
  const float* values = source.f32() + from * width;
  const int64_t elements = count * width;
  const kernels::ConvertKernels& convert = *kernels::table(detect_isa()).convert;
  std::byte* place = target.data_as<std::byte>() + dtype_bytes(target.dtype(), row * width);
  switch (target.dtype()) {
    case DType::kF32:
      std::copy_n(values, elements, reinterpret_cast<float*>(place));
      return;
    case DType::kQ8_0:
      convert.f32_to_q8_0(values, reinterpret_cast<BlockQ8_0*>(place), elements);
      return;
    default:
      convert.f32_to_f16(values, reinterpret_cast<uint16_t*>(place), elements);
  }
}

KvCache::KvCache(Allocator& memory, int64_t layers, int64_t capacity, int64_t kv_heads,
                 int64_t head_dim, DType dtype)
    : capacity_(capacity) {
  require_cache_type(dtype, head_dim);
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
  store_tokens(keys, 0, count, target.keys, length_);
  store_tokens(values, 0, count, target.values, length_);
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

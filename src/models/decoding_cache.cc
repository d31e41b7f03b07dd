#include "models/decoding_cache.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace onmal {

DecodingCache::DecodingCache(Allocator& memory, int64_t layers, int64_t batch, int64_t capacity,
                             int64_t heads, int64_t head_dim)
    : batch_(batch), capacity_(capacity) {
  const Shape shape{batch, capacity, heads, head_dim};
  for (int64_t i = 0; i < layers; ++i)
    layers_.push_back({Tensor::empty(memory, shape), Tensor::empty(memory, shape), {}, {}});
  spare_ = Tensor::empty(memory, shape);
}

void DecodingCache::append(int64_t index, const Tensor& keys, const Tensor& values) {
  const int64_t count = keys.dim(1);
  if (length_ + count > capacity_) {
    throw Error(ErrorCode::kResource, "context",
                std::to_string(length_ + count) + " tokens do not fit into the room for " +
                    std::to_string(capacity_),
                "ask for fewer tokens");
  }
  const int64_t width = keys.dim(2) * keys.dim(3);
  const Layer& target = layer(index);
  for (int64_t b = 0; b < batch_; ++b) {
    const int64_t to = (b * capacity_ + length_) * width;
    std::copy_n(keys.f32() + b * count * width, count * width, target.keys.f32() + to);
    std::copy_n(values.f32() + b * count * width, count * width, target.values.f32() + to);
  }
}

void DecodingCache::commit(int64_t count) {
  ONMAL_ASSERT(length_ + count <= capacity_);
  length_ += count;
}

void DecodingCache::reorder(std::span<const int64_t> sources) {
  ONMAL_ASSERT(static_cast<int64_t>(sources.size()) == batch_);
  bool moves = false;
  for (size_t i = 0; i < sources.size(); ++i)
    moves = moves || sources[i] != static_cast<int64_t>(i);
  if (!moves) return;
  const int64_t row = spare_.elements() / batch_;
  const int64_t used = row / capacity_ * length_;
  const auto rearrange = [&](Tensor& tensor) {
    for (int64_t i = 0; i < batch_; ++i)
      std::copy_n(tensor.f32() + sources[static_cast<size_t>(i)] * row, used,
                  spare_.f32() + i * row);
    std::swap(tensor, spare_);
  };
  for (Layer& layer : layers_) {
    rearrange(layer.keys);
    rearrange(layer.values);
  }
}

}  // namespace onmal

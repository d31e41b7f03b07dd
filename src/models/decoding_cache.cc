#include "models/decoding_cache.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace onmal {
namespace {

constexpr int64_t kFirstRoom = 64;

}  // namespace

DecodingCache::DecodingCache(Allocator& memory, int64_t layers, int64_t batch, int64_t capacity,
                             int64_t heads, int64_t head_dim)
    : memory_(&memory), batch_(batch), capacity_(capacity), room_(std::min(capacity, kFirstRoom)) {
  const Shape shape{batch, room_, heads, head_dim};
  for (int64_t i = 0; i < layers; ++i)
    layers_.push_back({Tensor::empty(memory, shape), Tensor::empty(memory, shape), {}, {}});
  spare_ = Tensor::empty(memory, shape);
}

// Room for at least `tokens`; what is held keeps its place in each row.
void DecodingCache::grow(int64_t tokens) {
  const int64_t room = std::min(capacity_, std::max(tokens, 2 * room_));
  const Shape shape{batch_, room, spare_.dim(2), spare_.dim(3)};
  const int64_t width = spare_.dim(2) * spare_.dim(3);
  const auto enlarge = [&](Tensor& tensor) {
    const Tensor larger = Tensor::empty(*memory_, shape);
    for (int64_t b = 0; b < batch_; ++b) {
      std::copy_n(tensor.f32() + b * room_ * width, length_ * width,
                  larger.f32() + b * room * width);
    }
    tensor = larger;
  };
  for (Layer& layer : layers_) {
    enlarge(layer.keys);
    enlarge(layer.values);
  }
  spare_ = Tensor::empty(*memory_, shape);
  room_ = room;
}

void DecodingCache::append(int64_t index, const Tensor& keys, const Tensor& values) {
  const int64_t count = keys.dim(1);
  if (length_ + count > capacity_) {
    throw Error(ErrorCode::kResource, "context",
                std::to_string(length_ + count) + " tokens do not fit into the room for " +
                    std::to_string(capacity_),
                "ask for fewer tokens");
  }
  // The first layer makes room for all.
  if (length_ + count > room_) grow(length_ + count);
  const int64_t width = keys.dim(2) * keys.dim(3);
  const Layer& target = layer(index);
  for (int64_t b = 0; b < batch_; ++b) {
    const int64_t to = (b * room_ + length_) * width;
    std::copy_n(keys.f32() + b * count * width, count * width, target.keys.f32() + to);
    std::copy_n(values.f32() + b * count * width, count * width, target.values.f32() + to);
  }
}

void DecodingCache::commit(int64_t count) {
  ONMAL_ASSERT(length_ + count <= room_);
  length_ += count;
}

void DecodingCache::reorder(std::span<const int64_t> sources) {
  ONMAL_ASSERT(static_cast<int64_t>(sources.size()) == batch_);
  bool moves = false;
  for (size_t i = 0; i < sources.size(); ++i)
    moves = moves || sources[i] != static_cast<int64_t>(i);
  if (!moves) return;
  const int64_t row = spare_.elements() / batch_;
  const int64_t used = row / room_ * length_;
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

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace onmal {

// What an encoder–decoder remembers while it writes B outputs of one source (the beams): keys and
// values of the tokens written, f32 [B, room, heads, head_dim] per layer, where the room grows up
// to a capacity, and those of the source, [1, S, heads, head_dim], computed once.
class DecodingCache {
 public:
  struct Layer {
    Tensor keys, values;
    Tensor cross_keys, cross_values;
  };

  DecodingCache(Allocator& memory, int64_t layers, int64_t batch, int64_t capacity, int64_t heads,
                int64_t head_dim);

  int64_t length() const { return length_; }
  int64_t batch() const { return batch_; }
  Layer& layer(int64_t index) { return layers_[static_cast<size_t>(index)]; }

  // Writes keys and values [B, count, heads, head_dim] behind those committed. Throws
  // Error(kResource) when there is no room.
  void append(int64_t index, const Tensor& keys, const Tensor& values);
  void commit(int64_t count);
  // Row i continues what row sources[i] was until now; the source's keys stay (they are equal).
  void reorder(std::span<const int64_t> sources);

 private:
  void grow(int64_t tokens);

  Allocator* memory_;
  std::vector<Layer> layers_;
  Tensor spare_;  // one layer's keys while rows change places
  int64_t batch_, capacity_;
  int64_t room_ = 0;  // tokens that fit into the layers as they are
  int64_t length_ = 0;
};

}  // namespace onmal

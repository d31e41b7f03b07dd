#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace onmal {

// Throws Error(kUnsupported) for a number format that cannot keep keys and values of such heads:
// f32 and f16 keep all, q8_0 those of a multiple of 32 values.
void require_cache_type(DType dtype, int64_t head_dim);
// Writes tokens [from, from + count) of `source` [1, T, G, D] (f32) over those of a cache from row
// `row` on, [.., G, D] of f32, f16 or q8_0.
void store_tokens(const Tensor& source, int64_t from, int64_t count, const Tensor& target,
                  int64_t row);

// Keys and values of the tokens seen so far by one sequence, for every layer. Memory is taken once,
// at its full capacity; appending copies into it and never allocates.
class KvCache {
 public:
  // Per layer: keys and values [1, capacity, kv_heads, head_dim] of `dtype` (f32, f16 or
  // q8_0; the last for heads of a multiple of 32 values: Error(kUnsupported) otherwise).
  KvCache(Allocator& memory, int64_t layers, int64_t capacity, int64_t kv_heads, int64_t head_dim,
          DType dtype = DType::kF32);

  int64_t length() const { return length_; }
  int64_t capacity() const { return capacity_; }
  int64_t room() const { return capacity_ - length_; }
  int64_t bytes() const;

  struct View {
    Tensor keys;  // [1, length + count, kv_heads, head_dim]
    Tensor values;
  };
  // Writes the keys and values [1, count, kv_heads, head_dim] (f32) of the new tokens of `layer`
  // behind those committed and returns all of them. Throws Error(kResource) when there is no room.
  View append(int64_t layer, const Tensor& keys, const Tensor& values);
  // Makes the tokens appended to every layer part of the sequence.
  void commit(int64_t count);
  // Forgets all tokens from `length` on (an edited or stopped turn); length <= length().
  void truncate(int64_t length);

 private:
  struct Layer {
    Tensor keys;
    Tensor values;
  };
  std::vector<Layer> layers_;
  int64_t capacity_;
  int64_t length_ = 0;
};

}  // namespace onmal

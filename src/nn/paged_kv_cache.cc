#include "nn/paged_kv_cache.h"

#include <algorithm>
#include <cstring>

#include "nn/kv_cache.h"

namespace onmal {
namespace {

void copy_tokens(const Tensor& cache, int32_t from, int32_t to, int64_t tokens) {
  const int64_t width = cache.dim(2) * cache.dim(3);
  const auto place = [&](int32_t page) {
    return cache.data_as<std::byte>() + dtype_bytes(cache.dtype(), page * kPageTokens * width);
  };
  std::memcpy(place(to), place(from),
              static_cast<size_t>(dtype_bytes(cache.dtype(), tokens * width)));
}

}  // namespace

PagePool::PagePool(Allocator& memory, int64_t layers, int64_t pages, int64_t kv_heads,
                   int64_t head_dim, DType dtype)
    : users_(static_cast<size_t>(pages)) {
  require_cache_type(dtype, head_dim);
  const Shape shape{pages, kPageTokens, kv_heads, head_dim};
  for (int64_t i = 0; i < layers; ++i)
    layers_.push_back({Tensor::empty(memory, shape, dtype), Tensor::empty(memory, shape, dtype)});
  // The first pages are given out first.
  for (int64_t page = pages - 1; page >= 0; --page) free_.push_back(static_cast<int32_t>(page));
}

int64_t PagePool::bytes() const {
  int64_t total = 0;
  for (const Layer& layer : layers_) total += layer.keys.bytes() + layer.values.bytes();
  return total;
}

std::optional<int32_t> PagePool::take() {
  if (free_.empty()) return std::nullopt;
  const int32_t page = free_.back();
  free_.pop_back();
  users_[static_cast<size_t>(page)] = 1;
  return page;
}

void PagePool::share(int32_t page) {
  ONMAL_ASSERT(users(page) > 0);
  ++users_[static_cast<size_t>(page)];
}

void PagePool::drop(int32_t page) {
  ONMAL_ASSERT(users(page) > 0);
  if (--users_[static_cast<size_t>(page)] == 0) free_.push_back(page);
}

std::vector<std::span<std::byte>> PagePool::parts(int32_t page) const {
  std::vector<std::span<std::byte>> parts;
  const auto add = [&](const Tensor& cache) {
    const int64_t bytes = cache.bytes() / pages();
    parts.emplace_back(cache.data_as<std::byte>() + page * bytes, static_cast<size_t>(bytes));
  };
  for (const Layer& layer : layers_) {
    add(layer.keys);
    add(layer.values);
  }
  return parts;
}

void PagePool::copy(int32_t from, int32_t to, int64_t tokens) {
  ONMAL_ASSERT(tokens >= 0 && tokens <= kPageTokens && users(from) > 0 && users(to) == 1);
  for (const Layer& layer : layers_) {
    copy_tokens(layer.keys, from, to, tokens);
    copy_tokens(layer.values, from, to, tokens);
  }
}

void PagedSequence::write(int64_t layer, const Tensor& keys, const Tensor& values, int64_t from,
                          int64_t count) {
  ONMAL_ASSERT(length_ + count <= room() && length_ + count <= capacity_);
  const PagePool::Layer& target = pool_->layer(layer);
  for (int64_t done = 0; done < count;) {
    const int64_t position = length_ + done;
    const int64_t offset = position % kPageTokens;
    const int64_t here = std::min(count - done, kPageTokens - offset);
    const int32_t page = pages_[static_cast<size_t>(position / kPageTokens)];
    ONMAL_ASSERT(pool_->users(page) == 1);
    const int64_t row = page * kPageTokens + offset;
    store_tokens(keys, from + done, here, target.keys, row);
    store_tokens(values, from + done, here, target.values, row);
    done += here;
  }
}

void PagedSequence::commit(int64_t count) {
  ONMAL_ASSERT(length_ + count <= room());
  length_ += count;
}

void PagedSequence::clear() {
  for (const int32_t page : pages_) pool_->drop(page);
  pages_.clear();
  length_ = 0;
}

}  // namespace onmal

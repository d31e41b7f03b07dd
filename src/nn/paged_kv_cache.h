#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ops/backend.h"
#include "tensor/tensor.h"

namespace onmal {

// Room for the keys and values of many sequences, for every layer, cut into pages of kPageTokens
// positions: taken once, at its full size. A page may have several users, and is free again when
// the last has dropped it. Belongs to one thread.
class PagePool {
 public:
  // `dtype`: f32, f16 or q8_0; the last for heads of a multiple of 32 values: Error(kUnsupported)
  // otherwise.
  PagePool(Allocator& memory, int64_t layers, int64_t pages, int64_t kv_heads, int64_t head_dim,
           DType dtype);

  int64_t pages() const { return static_cast<int64_t>(users_.size()); }
  int64_t free_pages() const { return static_cast<int64_t>(free_.size()); }
  int64_t bytes() const;
  // Of one page, all layers.
  int64_t page_bytes() const { return bytes() / pages(); }

  // A page with one user, contents undefined; nothing when none is free.
  std::optional<int32_t> take();
  void share(int32_t page);
  void drop(int32_t page);
  int64_t users(int32_t page) const { return users_[static_cast<size_t>(page)]; }

  // The bytes of a page: of each layer its keys, then its values.
  std::vector<std::span<std::byte>> parts(int32_t page) const;
  // The first `tokens` positions of all layers.
  void copy(int32_t from, int32_t to, int64_t tokens);

  struct Layer {
    Tensor keys;  // [pages, kPageTokens, kv_heads, head_dim]
    Tensor values;
  };
  const Layer& layer(int64_t index) const { return layers_[static_cast<size_t>(index)]; }
  int64_t layers() const { return static_cast<int64_t>(layers_.size()); }

 private:
  std::vector<Layer> layers_;
  std::vector<int32_t> users_;  // by page
  std::vector<int32_t> free_;
};

// The pages of one sequence, in the order of its positions. Gives them back when it ends.
class PagedSequence {
 public:
  // At most `capacity` tokens.
  PagedSequence(PagePool& pool, int64_t capacity) : pool_(&pool), capacity_(capacity) {}
  ~PagedSequence() { clear(); }
  PagedSequence(const PagedSequence&) = delete;
  PagedSequence& operator=(const PagedSequence&) = delete;

  PagePool& pool() const { return *pool_; }
  int64_t length() const { return length_; }
  int64_t capacity() const { return capacity_; }
  std::span<const int32_t> pages() const { return pages_; }
  // Tokens for which pages are there.
  int64_t room() const { return static_cast<int64_t>(pages_.size()) * kPageTokens; }

  // Puts a page behind the others; its use passes over to this sequence.
  void add(int32_t page) { pages_.push_back(page); }
  // Writes keys and values [.., count, kv_heads, head_dim] (f32), tokens [from, from + count) of
  // theirs, behind the committed ones. There must be room(), and nobody else may use those pages.
  void write(int64_t layer, const Tensor& keys, const Tensor& values, int64_t from, int64_t count);
  // Makes the tokens that all layers have part of the sequence.
  void commit(int64_t count);
  // Forgets all tokens and gives the pages back.
  void clear();

 private:
  PagePool* pool_;
  int64_t capacity_;
  int64_t length_ = 0;
  std::vector<int32_t> pages_;
};

}  // namespace onmal

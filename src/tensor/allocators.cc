#include "tensor/allocators.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kMostWaste = 4;

// Sizes are rounded so that near-equal requests share cached blocks: to 64 bytes, above 64 KiB to
// 1/16 steps.
size_t rounded(size_t bytes) {
  size_t step = kAlignment;
  while (step * 32 < bytes) step *= 2;
  return std::max(kAlignment, (bytes + step - 1) / step * step);
}

std::byte* take_memory(size_t bytes) {
  void* memory = ::operator new (bytes, std::align_val_t{kAlignment}, std::nothrow);
  if (memory == nullptr) {
    throw Error(ErrorCode::kResource, "memory", "cannot get " + std::to_string(bytes) + " bytes",
                "use a smaller batch, a shorter context or a smaller model");
  }
  // Weights are streamed through once a token: with 4 KiB pages address translation costs a good
  // part of the bandwidth.
  constexpr size_t kHugePage = size_t{2} << 20;
  if (bytes >= 2 * kHugePage) {
    const auto begin =
        (reinterpret_cast<uintptr_t>(memory) + kHugePage - 1) / kHugePage * kHugePage;
    const auto end = (reinterpret_cast<uintptr_t>(memory) + bytes) / kHugePage * kHugePage;
    ::madvise(reinterpret_cast<void*>(begin), end - begin,
              MADV_HUGEPAGE);  // a wish: failure changes nothing
  }
  return static_cast<std::byte*>(memory);
}

void free_memory(std::byte* data) noexcept {
  ::operator delete (data, std::align_val_t{kAlignment});
}

}  // namespace

Allocator::Block HeapAllocator::allocate(size_t bytes) {
  bytes = rounded(bytes);
  std::byte* data = take_memory(bytes);
  return {data, new Storage(data, bytes, this)};
}

void HeapAllocator::release(Storage* storage) noexcept {
  free_memory(storage->data());
  delete storage;
}

CachingAllocator::~CachingAllocator() { trim(); }

Allocator::Block CachingAllocator::allocate(size_t bytes) {
  bytes = rounded(bytes);
  std::lock_guard lock(mutex_);
  const auto found = cached_.lower_bound(bytes);
  const size_t most = fit_ == Fit::kLarger ? kMostWaste * bytes : bytes;
  Storage* storage = nullptr;
  if (found != cached_.end() && found->first <= most) {
    storage = found->second;
    bytes = storage->bytes();
    cached_.erase(found);
    cached_bytes_ -= bytes;
  } else {
    if (limit_bytes_ > 0 && in_use_ + cached_bytes_ + bytes > limit_bytes_) trim_locked();
    if (limit_bytes_ > 0 && in_use_ + bytes > limit_bytes_) {
      throw Error(
          ErrorCode::kResource, "memory",
          "the step needs more than the limit of " + std::to_string(limit_bytes_) + " bytes",
          "use a smaller batch, more accumulation steps or activation checkpointing");
    }
    std::byte* data = take_memory(bytes);
    storage = new Storage(data, bytes, this);
  }
  in_use_ += bytes;
  peak_ = std::max(peak_, in_use_);
  return {storage->data(), storage};
}

void CachingAllocator::release(Storage* storage) noexcept {
  std::lock_guard lock(mutex_);
  in_use_ -= storage->bytes();
  cached_bytes_ += storage->bytes();
  cached_.emplace(storage->bytes(), storage);
}

void CachingAllocator::trim() {
  std::lock_guard lock(mutex_);
  trim_locked();
}

void CachingAllocator::trim_locked() {
  for (const auto& [bytes, storage] : cached_) {
    free_memory(storage->data());
    delete storage;
  }
  cached_.clear();
  cached_bytes_ = 0;
}

Arena::~Arena() {
  for (const Chunk& chunk : chunks_) free_memory(chunk.data);
}

Allocator::Block Arena::allocate(size_t bytes) {
  bytes = (std::max<size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  if (chunks_.empty() || used_in_last_ + bytes > chunks_.back().bytes) {
    const size_t chunk_bytes = std::max({bytes, used_total_, size_t{1} << 16});
    chunks_.push_back({take_memory(chunk_bytes), chunk_bytes});
    used_in_last_ = 0;
  }
  std::byte* data = chunks_.back().data + used_in_last_;
  used_in_last_ += bytes;
  used_total_ += bytes;
  high_water_ = std::max(high_water_, used_total_);
  return {data, nullptr};
}

void Arena::reset() {
  if (chunks_.size() > 1) {
    for (const Chunk& chunk : chunks_) free_memory(chunk.data);
    chunks_.clear();
    chunks_.push_back({take_memory(high_water_), high_water_});
  }
  used_in_last_ = 0;
  used_total_ = 0;
}

void Arena::release(Storage* /*storage*/) noexcept {}

}  // namespace onmal

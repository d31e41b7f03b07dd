#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tensor/storage.h"

namespace onmal {

// Plain heap memory, 64-byte aligned, given back at once: for weights and other long-lived tensors.
class HeapAllocator : public Allocator {
 public:
  Block allocate(size_t bytes) override;

 protected:
  void release(Storage* storage) noexcept override;
};

// Keeps freed blocks for the next request of the same size: a training step asks for the same sizes
// again and again, and fresh pages are dear. Thread-safe. Freed as a whole on destruction or
// trim().
class CachingAllocator : public Allocator {
 public:
  // kLarger: a request may also take a cached block of up to four times its size, so that less is
  // held where requests of one size follow those of another.
  enum class Fit : uint8_t { kSameSize, kLarger };

  // limit_bytes: the most it may hold at once (in use + cached); 0 for no limit.
  explicit CachingAllocator(size_t limit_bytes = 0, Fit fit = Fit::kSameSize)
      : limit_bytes_(limit_bytes), fit_(fit) {}
  ~CachingAllocator() override;

  Block allocate(size_t bytes) override;
  // Frees what is cached and not in use.
  void trim();

  size_t bytes_in_use() const { return in_use_; }
  size_t peak_bytes() const { return peak_; }

 protected:
  void release(Storage* storage) noexcept override;

 private:
  void trim_locked();

  std::mutex mutex_;
  std::multimap<size_t, Storage*> cached_;
  size_t limit_bytes_;
  Fit fit_;
  size_t in_use_ = 0;
  size_t cached_bytes_ = 0;
  size_t peak_ = 0;
};

// A bump allocator: reset() frees everything at once. Grows only between resets' high-water marks,
// so that a repeated decode step allocates nothing on the heap. Not thread-safe.
class Arena : public Allocator {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() override;

  Block allocate(size_t bytes) override;
  // Every tensor taken since the last reset becomes invalid. Merges overflow chunks into one block.
  void reset();
  size_t high_water_bytes() const { return high_water_; }

 protected:
  void release(Storage* storage) noexcept override;

 private:
  struct Chunk {
    std::byte* data;
    size_t bytes;
  };
  std::vector<Chunk> chunks_;
  size_t used_in_last_ = 0;
  size_t used_total_ = 0;
  size_t high_water_ = 0;
};

}  // namespace onmal

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace onmal {

class Allocator;

// A counted block of memory. When the last reference goes, its owner takes it back.
class Storage {
 public:
  Storage(std::byte* data, size_t bytes, Allocator* owner)
      : data_(data), bytes_(bytes), owner_(owner) {}

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  friend class StorageRef;
  std::byte* data_;
  size_t bytes_;
  Allocator* owner_;
  std::atomic<int64_t> references_{0};
};

// Where tensors' memory comes from. An allocator must outlive every tensor it made.
class Allocator {
 public:
  virtual ~Allocator() = default;

  struct Block {
    std::byte* data = nullptr;
    Storage* storage = nullptr;  // null: memory that the allocator frees as a whole (an arena)
  };
  // At least `bytes` bytes, aligned to 64, contents undefined. Throws Error(kResource) when there
  // is no more.
  virtual Block allocate(size_t bytes) = 0;

 protected:
  friend class StorageRef;
  virtual void release(Storage* storage) noexcept = 0;
};

// Intrusive counted pointer to a Storage; may be null.
class StorageRef {
 public:
  StorageRef() = default;
  explicit StorageRef(Storage* storage) : storage_(storage) { retain(); }
  StorageRef(const StorageRef& other) : storage_(other.storage_) { retain(); }
  StorageRef(StorageRef&& other) noexcept : storage_(std::exchange(other.storage_, nullptr)) {}
  StorageRef& operator=(StorageRef other) noexcept {
    std::swap(storage_, other.storage_);
    return *this;
  }
  ~StorageRef() { drop(); }

  Storage* get() const { return storage_; }
  bool unique() const {
    return storage_ != nullptr && storage_->references_.load(std::memory_order_acquire) == 1;
  }

 private:
  void retain() {
    if (storage_ != nullptr) storage_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  void drop() noexcept {
    if (storage_ != nullptr && storage_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      storage_->owner_->release(storage_);
    }
  }

  Storage* storage_ = nullptr;
};

}  // namespace onmal

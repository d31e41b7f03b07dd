#include "infer/count_allocations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace {
std::atomic<int64_t> allocation_count{0};  // by every thread of this test program

void* counted(std::size_t bytes, std::size_t alignment) {
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  const std::size_t rounded =
      (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded);
}
}  // namespace

#if defined(__GNUC__) && !defined(__clang__)
// All of operator new is replaced here; inlining makes GCC see malloc and free behind only one of a
// pair.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
// NOLINTBEGIN: replaced so that allocations can be counted
void* operator new(std::size_t bytes) {
  void* memory = counted(bytes, alignof(std::max_align_t));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  void* memory = counted(bytes, static_cast<std::size_t>(alignment));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
// NOLINTEND

namespace onmal::testing {

int64_t allocations() { return allocation_count.load(); }

namespace {

TEST(CountAllocationsTest, Counts) {
  const int64_t before = allocations();
  const auto one = std::make_unique<int64_t>(before);
  EXPECT_EQ(allocations(), *one + 1);
}

}  // namespace
}  // namespace onmal::testing

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "formats/format_testing.h"

// This program's operator new, counted. Test programs only: the library has no globals. Not
// inlined, for GCC would warn of free() on what it sees as new's.
namespace {
std::atomic<uint64_t> total_bytes{0};
std::atomic<uint64_t> largest_bytes{0};
}  // namespace

[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept {
  total_bytes += size;
  largest_bytes = std::max<uint64_t>(largest_bytes, size);
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void* operator new(size_t size) {
  void* memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}

namespace onmal {

AllocationWatch::AllocationWatch() {
  total_bytes = 0;
  largest_bytes = 0;
}
uint64_t AllocationWatch::total() const { return total_bytes; }
uint64_t AllocationWatch::largest() const { return largest_bytes; }

namespace {

TEST(AllocationWatchTest, SeesAllocations) {
  const AllocationWatch watch;
  const std::vector<char> bytes(12345);
  EXPECT_GE(watch.total(), bytes.size());
  EXPECT_GE(watch.largest(), bytes.size());
}

}  // namespace
}  // namespace onmal

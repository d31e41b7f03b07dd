#include "tensor/allocators.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tensor/tensor.h"

namespace onmal {
namespace {

constexpr int64_t kLarge = 1024;

Tensor floats(Allocator& memory, int64_t count) { return Tensor::empty(memory, Shape{count}); }

TEST(CachingAllocatorTest, GivesABlockAgainForTheSameSizeOnly) {
  CachingAllocator memory;
  const float* first = floats(memory, kLarge).f32();
  const Tensor smaller = floats(memory, kLarge / 2);
  EXPECT_NE(smaller.f32(), first);
  EXPECT_EQ(floats(memory, kLarge).f32(), first);
}

TEST(CachingAllocatorTest, TakesALargerBlockWhereItMay) {
  CachingAllocator memory(0, CachingAllocator::Fit::kLarger);
  const float* first = floats(memory, kLarge).f32();
  {
    const Tensor smaller = floats(memory, kLarge / 4);
    EXPECT_EQ(smaller.f32(), first);
    EXPECT_EQ(memory.bytes_in_use(), kLarge * sizeof(float));
  }
  const Tensor tiny = floats(memory, kLarge / 16);
  EXPECT_NE(tiny.f32(), first);
  EXPECT_EQ(floats(memory, kLarge).f32(), first);
  EXPECT_EQ(memory.peak_bytes(), (kLarge + kLarge / 16) * sizeof(float));
}

TEST(CachingAllocatorTest, TheSmallestThatIsLargeEnough) {
  CachingAllocator memory(0, CachingAllocator::Fit::kLarger);
  Tensor large = floats(memory, kLarge);
  Tensor middle = floats(memory, kLarge / 2);
  const float* wanted = middle.f32();
  large = Tensor();
  middle = Tensor();
  EXPECT_EQ(floats(memory, kLarge / 3).f32(), wanted);
}

TEST(CachingAllocatorTest, HoldsNoMoreThanItsLimit) {
  CachingAllocator memory(2 * kLarge * sizeof(float));
  const Tensor kept = floats(memory, kLarge);
  floats(memory, kLarge / 2);  // cached, and given up for the next
  const Tensor second = floats(memory, kLarge);
  EXPECT_THROW(floats(memory, 1), Error);
}

}  // namespace
}  // namespace onmal

#include "nn/paged_kv_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr int64_t kGroups = 2;
constexpr int64_t kDim = 32;

class PagedKvCacheTest : public ::testing::Test {
 protected:
  // Token t has the value `base` + t everywhere.
  Tensor tokens(int64_t count, float base) {
    const Tensor made = Tensor::empty(memory_, Shape{1, count, kGroups, kDim});
    for (int64_t i = 0; i < made.elements(); ++i)
      made.f32()[i] = base + static_cast<float>(i / (kGroups * kDim));
    return made;
  }
  HeapAllocator memory_;
};

TEST_F(PagedKvCacheTest, PagesAreFreeWhenTheLastUserDropsThem) {
  PagePool pool(memory_, 1, 3, kGroups, kDim, DType::kF16);
  EXPECT_EQ(pool.bytes(), 3 * kPageTokens * kGroups * kDim * 2 * 2);
  const auto one = pool.take();
  const auto two = pool.take();
  const auto three = pool.take();
  ASSERT_TRUE(one && two && three);
  EXPECT_FALSE(pool.take());
  pool.share(*two);
  pool.drop(*two);
  EXPECT_EQ(pool.free_pages(), 0);
  pool.drop(*two);
  EXPECT_EQ(pool.free_pages(), 1);
  EXPECT_EQ(pool.take(), two);
}

TEST_F(PagedKvCacheTest, TokensLieBehindEachOtherAcrossPages) {
  PagePool pool(memory_, 2, 4, kGroups, kDim, DType::kF32);
  pool.take();  // so that the sequence's pages do not begin with the first
  {
    PagedSequence sequence(pool, 3 * kPageTokens);
    while (sequence.room() < 300) sequence.add(*pool.take());
    const Tensor all = tokens(300, 1.0F);
    int64_t done = 0;
    for (const int64_t count : {100, 1, 199}) {
      for (int64_t layer = 0; layer < 2; ++layer) {
        const Tensor values = tokens(300, layer == 0 ? 1000.0F : 5000.0F);
        sequence.write(layer, all, values, done, count);
      }
      sequence.commit(count);
      done += count;
    }
    EXPECT_EQ(sequence.length(), 300);
    for (int64_t t = 0; t < 300; ++t) {
      const int64_t page = sequence.pages()[static_cast<size_t>(t / kPageTokens)];
      const int64_t at = (page * kPageTokens + t % kPageTokens) * kGroups * kDim + 5;
      EXPECT_EQ(pool.layer(0).keys.f32()[at], 1.0F + static_cast<float>(t));
      EXPECT_EQ(pool.layer(0).values.f32()[at], 1000.0F + static_cast<float>(t));
      EXPECT_EQ(pool.layer(1).values.f32()[at], 5000.0F + static_cast<float>(t));
    }
    EXPECT_EQ(pool.free_pages(), 0);
  }
  EXPECT_EQ(pool.free_pages(), 3);
}

TEST_F(PagedKvCacheTest, ACopyHasTheFirstTokensOfAllLayers) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kQ8_0}) {
    PagePool pool(memory_, 2, 2, kGroups, kDim, dtype);
    PagedSequence sequence(pool, kPageTokens);
    sequence.add(*pool.take());
    const int32_t copy = *pool.take();
    for (int64_t layer = 0; layer < 2; ++layer) {
      std::fill_n(pool.layer(layer).keys.data_as<std::byte>(), pool.layer(layer).keys.bytes(),
                  std::byte{0});
      sequence.write(layer, tokens(50, 1.0F), tokens(50, 2.0F), 0, 50);
    }
    pool.copy(sequence.pages()[0], copy, 20);
    const int64_t bytes = dtype_bytes(dtype, kGroups * kDim);  // of a token
    for (int64_t layer = 0; layer < 2; ++layer) {
      const auto* keys = pool.layer(layer).keys.data_as<std::byte>();
      const std::byte* from = keys + sequence.pages()[0] * kPageTokens * bytes;
      const std::byte* to = keys + copy * kPageTokens * bytes;
      EXPECT_TRUE(std::equal(from, from + 20 * bytes, to));
      EXPECT_TRUE(std::all_of(to + 20 * bytes, to + 50 * bytes,
                              [](std::byte b) { return b == std::byte{0}; }));
    }
    pool.drop(copy);
  }
}

}  // namespace
}  // namespace onmal

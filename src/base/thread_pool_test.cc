#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace onmal {
namespace {

TEST(ThreadPoolTest, RunsEveryTaskOnce) {
  ThreadPool pool(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<int> hits(97, 0);
    pool.run(97, [&](int64_t task, int) { ++hits[static_cast<size_t>(task)]; });
    EXPECT_EQ(std::accumulate(hits.begin(), hits.end(), 0), 97);
    EXPECT_EQ(*std::min_element(hits.begin(), hits.end()), 1);
  }
}

TEST(ThreadPoolTest, BlocksCoverTheRange) {
  ThreadPool pool(2);
  std::vector<int> hits(1000, 0);
  pool.for_blocks(10, 1000, 7, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
  });
  EXPECT_EQ(std::accumulate(hits.begin(), hits.end(), 0), 990);
  EXPECT_EQ(hits[9], 0);
}

TEST(ThreadPoolTest, RethrowsAndStaysUsable) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.run(50,
                        [](int64_t task, int) {
                          if (task == 7) throw std::runtime_error("seven");
                        }),
               std::runtime_error);
  std::atomic<int> count = 0;
  pool.run(50, [&](int64_t, int) { ++count; });
  EXPECT_EQ(count, 50);
}

TEST(ThreadPoolTest, NestedCallsRunInline) {
  ThreadPool pool(2);
  std::atomic<int> count = 0;
  pool.run(8, [&](int64_t, int) { pool.run(8, [&](int64_t, int) { ++count; }); });
  EXPECT_EQ(count, 64);
}

}  // namespace
}  // namespace onmal

#include "knowledge/fusion.h"

#include <gtest/gtest.h>

namespace onmal {
namespace {

TEST(FusionTest, AddsTheShareOfWhatCouldBeReachedAndTheWeightedCosine) {
  FusionInput found;
  found.by_terms = {{7, 8.0}, {3, 4.0}};
  found.possible = 10;
  found.by_vectors = {{3, 0.9}, {5, 0.5}};
  const std::vector<ScoredChunk> fused = fuse(found, {0.5});
  ASSERT_EQ(fused.size(), 3U);
  EXPECT_EQ(fused[0].chunk, 7);
  EXPECT_NEAR(fused[0].score, 0.8 + 0.5 * 0.5, 1e-12);  // the last cosine at most
  EXPECT_EQ(fused[1].chunk, 3);
  EXPECT_NEAR(fused[1].score, 0.4 + 0.5 * 0.9, 1e-12);
  EXPECT_EQ(fused[2].chunk, 5);
  EXPECT_NEAR(fused[2].score, 0.0 + 0.5 * 0.5, 1e-12);
  found.more_terms = true;  // so 5 may have up to 4.0
  EXPECT_NEAR(fuse(found, {0.5})[2].score, 0.4 + 0.5 * 0.5, 1e-12);
}

TEST(FusionTest, MeaningDecidesWhereFewWordsAreFound) {
  FusionInput found;
  found.by_terms = {{1, 1.0}, {2, 0.5}};
  found.by_vectors = {{2, 0.8}, {1, 0.2}};
  found.possible = 1.5;
  EXPECT_EQ(fuse(found)[0].chunk, 1);
  found.possible = 15;
  EXPECT_EQ(fuse(found)[0].chunk, 2);
}

TEST(FusionTest, OneEmptyListLeavesTheOther) {
  FusionInput found;
  EXPECT_TRUE(fuse(found).empty());
  found.by_vectors = {{4, 0.5}, {2, 0.5}, {9, -0.1}};
  const std::vector<ScoredChunk> fused = fuse(found, {1.0});
  ASSERT_EQ(fused.size(), 3U);
  EXPECT_EQ(fused[0].chunk, 2);  // equal ones by number
  EXPECT_EQ(fused[1].chunk, 4);
  EXPECT_NEAR(fused[2].score, -0.1, 1e-12);
}

}  // namespace
}  // namespace onmal

#include "infer/engine/prefix_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/rng.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

class PrefixTreeTest : public ::testing::Test {
 protected:
  std::vector<int32_t> ids(int64_t count, int32_t value) {
    return std::vector<int32_t>(static_cast<size_t>(count), value);
  }
  // New pages for so many tokens, used by the caller.
  std::vector<int32_t> take(int64_t tokens) {
    std::vector<int32_t> pages;
    for (int64_t t = 0; t < tokens; t += kPageTokens) pages.push_back(*pool_.take());
    return pages;
  }
  void drop(const std::vector<int32_t>& pages) {
    for (const int32_t page : pages) pool_.drop(page);
  }

  HeapAllocator memory_;
  PagePool pool_{memory_, 1, 80, 1, 32, DType::kF16};
};

TEST_F(PrefixTreeTest, FindsFullPagesAndAPart) {
  PrefixTree tree(pool_);
  const std::vector<int32_t> text = ids(300, 1);
  const std::vector<int32_t> pages = take(300);
  tree.insert(text, pages);
  drop(pages);
  EXPECT_EQ(tree.pages(), 3);
  EXPECT_EQ(tree.unused_pages(), 3);

  PrefixTree::Match match = tree.find(text);
  EXPECT_EQ(match.pages, (std::vector<int32_t>{pages[0], pages[1]}));
  EXPECT_EQ(match.part, pages[2]);
  EXPECT_EQ(match.part_tokens, 300 - 256);

  std::vector<int32_t> other = ids(500, 1);
  other[130] = 2;
  match = tree.find(other);
  EXPECT_EQ(match.pages, (std::vector<int32_t>{pages[0]}));
  EXPECT_EQ(match.part, pages[1]);
  EXPECT_EQ(match.part_tokens, 2);
  EXPECT_EQ(tree.find(ids(5, 3)).tokens(), 0);
}

TEST_F(PrefixTreeTest, APartThatGrewTakesThePlaceOfTheShorterOne) {
  PrefixTree tree(pool_);
  const std::vector<int32_t> first = take(10);
  tree.insert(ids(10, 1), first);
  drop(first);
  const std::vector<int32_t> second = take(128);
  tree.insert(ids(128, 1), second);
  drop(second);
  EXPECT_EQ(tree.pages(), 1);
  EXPECT_EQ(pool_.free_pages(), 79);
  EXPECT_EQ(tree.find(ids(128, 1)).pages, second);
  const std::vector<int32_t> third = take(20);  // is there already
  tree.insert(ids(20, 1), third);
  drop(third);
  EXPECT_EQ(tree.pages(), 1);
}

TEST_F(PrefixTreeTest, TheLongestUnusedGoesFirstAndNothingInUse) {
  PrefixTree tree(pool_);
  const std::vector<int32_t> a = take(256), b = take(128), c = take(128);
  tree.insert(ids(256, 1), a);
  tree.insert(ids(128, 2), b);
  tree.insert(ids(128, 3), c);
  drop(a);
  drop(b);
  tree.find(ids(128, 2));
  ASSERT_TRUE(tree.evict());  // the second page of a: its first is behind no other
  EXPECT_EQ(tree.find(ids(256, 1)).tokens(), 128);
  ASSERT_TRUE(tree.evict());  // b: a was just looked for
  EXPECT_EQ(tree.find(ids(128, 2)).tokens(), 0);
  ASSERT_TRUE(tree.evict());
  EXPECT_FALSE(tree.evict());  // c is in use
  EXPECT_EQ(tree.find(ids(128, 3)).pages, c);
  drop(c);
  EXPECT_TRUE(tree.evict());
  EXPECT_EQ(pool_.free_pages(), pool_.pages());
}

// Random texts of few tokens over random pages, against a list of all that was put in.
TEST_F(PrefixTreeTest, AgreesWithAListOfTexts) {
  Rng rng(5);
  for (int round = 0; round < 20; ++round) {
    PrefixTree tree(pool_);
    std::vector<std::vector<int32_t>> texts;
    const auto make = [&] {
      std::vector<int32_t> text;
      if (!texts.empty() && rng.below(3) > 0) {
        const auto& other = texts[rng.below(texts.size())];
        text.assign(other.begin(), other.begin() + static_cast<ptrdiff_t>(rng.below(other.size())));
      }
      const size_t more = 1 + rng.below(200);
      for (size_t i = 0; i < more; ++i) text.push_back(static_cast<int32_t>(rng.below(2)));
      return text;
    };
    for (int i = 0; i < 6; ++i) {
      const std::vector<int32_t> text = make();
      const std::vector<int32_t> pages = take(static_cast<int64_t>(text.size()));
      tree.insert(text, pages);
      drop(pages);
      texts.push_back(text);
      const std::vector<int32_t> asked = make();
      size_t want = 0;
      for (const auto& known : texts) {
        const auto ends = std::mismatch(known.begin(), known.end(), asked.begin(), asked.end());
        want = std::max(want, static_cast<size_t>(ends.first - known.begin()));
      }
      const PrefixTree::Match match = tree.find(asked);
      EXPECT_EQ(match.tokens(), static_cast<int64_t>(want));
      EXPECT_EQ(tree.count(asked).pages, static_cast<int64_t>(match.pages.size()));
      EXPECT_EQ(tree.pages() + pool_.free_pages(), pool_.pages());
      EXPECT_EQ(tree.unused_pages(), tree.pages());
    }
  }
  EXPECT_EQ(pool_.free_pages(), pool_.pages());
}

}  // namespace
}  // namespace onmal

#include "infer/prompt_lookup.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace onmal {
namespace {

PromptLookup lookup_of(const std::vector<int32_t>& ids) {
  PromptLookup lookup(static_cast<int64_t>(ids.size()));
  for (const int32_t id : ids) lookup.append(id);
  return lookup;
}

std::vector<int32_t> guess(const PromptLookup& lookup, size_t count) {
  std::vector<int32_t> draft(count);
  const PromptLookup::Match match = lookup.find();
  if (match.length == 0) return {};
  lookup.copy(match, draft);
  return draft;
}

// The longest match of 2 to 32 tokens, the latest of equals, by comparing everything.
PromptLookup::Match twin(const std::vector<int32_t>& ids) {
  const auto size = static_cast<int64_t>(ids.size());
  PromptLookup::Match best;
  for (int64_t next = size - 1; next >= 2; --next) {
    int64_t length = 0;
    while (length < next && length < PromptLookup::kLongestMatch &&
           ids[static_cast<size_t>(next - 1 - length)] ==
               ids[static_cast<size_t>(size - 1 - length)]) {
      ++length;
    }
    if (length >= 2 && length > best.length) best = {length, next};
  }
  return best;
}

TEST(PromptLookupTest, TakesTheLongestMatchAndTheLatestOfEquals) {
  EXPECT_EQ(guess(lookup_of({7, 1, 2, 3, 9, 1, 2, 4, 7, 1, 2}), 3), (std::vector{3, 9, 1}));
  EXPECT_EQ(guess(lookup_of({8, 1, 2, 3, 8, 1, 2, 4, 8, 1, 2}), 2), (std::vector{4, 8}));
  EXPECT_EQ(lookup_of({1, 2, 3}).find().length, 0);
  EXPECT_EQ(lookup_of({}).find().length, 0);
}

TEST(PromptLookupTest, AStretchThatEndsInThePresentGoesOnWithItself) {
  EXPECT_EQ(guess(lookup_of({5, 6, 5, 6}), 5), (std::vector{5, 6, 5, 6, 5}));
  EXPECT_EQ(guess(lookup_of({4, 4, 4}), 3), (std::vector{4, 4, 4}));
}

TEST(PromptLookupTest, AgreesWithComparingEverything) {
  Rng rng(3);
  for (int round = 0; round < 300; ++round) {
    const uint64_t kinds = 5 + rng.below(8);
    std::vector<int32_t> ids(rng.below(120));
    for (int32_t& id : ids) id = static_cast<int32_t>(rng.below(kinds));
    const PromptLookup::Match expected = twin(ids);
    const PromptLookup::Match found = lookup_of(ids).find();
    EXPECT_EQ(found.length, expected.length);
    EXPECT_EQ(found.next, expected.next);
  }
}

}  // namespace
}  // namespace onmal

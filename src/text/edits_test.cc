#include "text/edits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/rng.h"

namespace onmal {
namespace {

// Levenshtein's distance by its recursion, without tables.
size_t distance(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  if (a[0] == b[0]) return distance(a.substr(1), b.substr(1));
  return 1 + std::min({distance(a.substr(1), b), distance(a, b.substr(1)),
                       distance(a.substr(1), b.substr(1))});
}

TEST(Edits, FewestChangesThatApply) {
  Rng rng(3);
  for (int round = 0; round < 300; ++round) {
    std::string from, to;
    for (uint64_t i = rng.below(7); i > 0; --i) from += static_cast<char>('a' + rng.below(3));
    for (uint64_t i = rng.below(7); i > 0; --i) to += static_cast<char>('a' + rng.below(3));
    const std::vector<TextChange> changes = find_text_changes(from, to);
    EXPECT_EQ(apply_changes(from, changes), to);
    size_t cost = 0;
    for (const TextChange& change : changes)
      cost += std::max(change.end - change.begin, change.to.size());
    EXPECT_EQ(cost, distance(from, to)) << from << " " << to;
  }
}

TEST(Edits, CharactersAndNotBytes) {
  EXPECT_EQ(find_text_changes("안되요", "안 돼요"), (std::vector<TextChange>{{3, 6, " 돼"}}));
  EXPECT_TRUE(find_text_changes("같다", "같다").empty());
  EXPECT_EQ(apply_changes("\xFFx", find_text_changes("\xFFx", "y")), "y");
}

TEST(Edits, WidenedToWords) {
  const std::string from = "그렇게 하면 안되요 정말 로 됬다";
  const std::string to = "그렇게 하면 안 돼요 정말로 됐다";
  const std::vector<TextChange> wide = widen_to_words(from, find_text_changes(from, to));
  ASSERT_EQ(wide.size(), 3U);
  EXPECT_EQ(wide[0].to, "안 돼요");
  EXPECT_EQ(from.substr(wide[1].begin, wide[1].end - wide[1].begin), "정말 로");
  EXPECT_EQ(wide[1].to, "정말로");
  EXPECT_EQ(wide[2].to, "됐다");
  EXPECT_EQ(apply_changes(from, wide), to);
}

TEST(Edits, WidenedChangesApplyToTheSameText) {
  Rng rng(5);
  for (int round = 0; round < 500; ++round) {
    std::string from, to;
    for (uint64_t i = rng.below(12); i > 0; --i) from += "ab  c"[rng.below(5)];
    for (uint64_t i = rng.below(12); i > 0; --i) to += "ab  c"[rng.below(5)];
    const std::vector<TextChange> wide = widen_to_words(from, find_text_changes(from, to));
    EXPECT_EQ(apply_changes(from, wide), to) << "'" << from << "' '" << to << "'";
  }
}

}  // namespace
}  // namespace onmal

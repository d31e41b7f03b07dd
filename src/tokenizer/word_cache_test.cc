#include "tokenizer/word_cache.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace onmal {
namespace {

// A map beside it: whatever is found is what was put in, and nothing is found that was not.
TEST(WordCache, FindsWhatWasPutInAndNothingElse) {
  std::mt19937 random(3);
  WordCache cache(500);
  std::unordered_map<std::string, std::vector<int32_t>> twin;
  size_t hits = 0;
  for (int step = 0; step < 20000; ++step) {
    const std::string word(1 + random() % 3, static_cast<char>('a' + random() % 9));
    const std::string text = word + std::string(1, static_cast<char>(random() % 40));
    const uint64_t hash = WordCache::hash_of(text);
    std::span<const int32_t> ids;
    if (cache.find(text, hash, ids)) {
      ++hits;
      ASSERT_EQ(twin.at(text), std::vector<int32_t>(ids.begin(), ids.end()));
      continue;
    }
    std::vector<int32_t> value(random() % 5, static_cast<int32_t>(step));
    cache.insert(text, hash, value);
    twin[text] = value;
    ASSERT_TRUE(cache.find(text, hash, ids));
  }
  EXPECT_GT(hits, 5000u);
}

TEST(WordCache, SameHashIsNotTheSameWord) {
  WordCache cache(10);
  cache.insert("one", 7, std::vector<int32_t>{1});
  cache.insert("two", 7, std::vector<int32_t>{2, 3});
  std::span<const int32_t> ids;
  ASSERT_TRUE(cache.find("two", 7, ids));
  EXPECT_EQ(ids.size(), 2u);
  EXPECT_FALSE(cache.find("six", 7, ids));
}

TEST(WordCache, LongWordsArePassedOver) {
  WordCache cache(10);
  const std::string word(WordCache::kLongestWord + 1, 'x');
  cache.insert(word, WordCache::hash_of(word), std::vector<int32_t>{1});
  std::span<const int32_t> ids;
  EXPECT_FALSE(cache.find(word, WordCache::hash_of(word), ids));
}

}  // namespace
}  // namespace onmal

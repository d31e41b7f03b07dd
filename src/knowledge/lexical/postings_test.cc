#include "knowledge/lexical/postings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/rng.h"

namespace onmal {
namespace {

struct Case {
  std::vector<uint32_t> numbers, counts, lengths;
};

// `size` postings with steps up to `widest` and counts up to `most`.
Case random_case(size_t size, uint64_t widest, uint64_t most, uint64_t seed) {
  Rng rng(seed);
  Case made;
  uint64_t number = rng.below(widest);
  for (size_t i = 0; i < size; ++i) {
    made.numbers.push_back(static_cast<uint32_t>(number));
    made.counts.push_back(static_cast<uint32_t>(1 + (rng.below(3) == 0 ? rng.below(most) : 0)));
    number += 1 + rng.below(widest);
  }
  for (size_t i = 0; i <= made.numbers.back(); ++i)
    made.lengths.push_back(static_cast<uint32_t>(1 + rng.below(300)));
  return made;
}

Case read_all(std::string_view bytes, size_t chunks) {
  const std::string where = "test";
  const PostingsReader reader(bytes, chunks, where);
  Case read;
  std::array<uint32_t, kPostingsBlock> numbers, counts;
  for (size_t block = 0; block < reader.blocks(); ++block) {
    const size_t size = reader.read(block, numbers, counts);
    read.numbers.insert(read.numbers.end(), numbers.begin(), numbers.begin() + size);
    read.counts.insert(read.counts.end(), counts.begin(), counts.begin() + size);
  }
  return read;
}

TEST(Postings, ComeBackAsTheyWere) {
  uint64_t seed = 0;
  for (const size_t size : {1, 2, 127, 128, 129, 255, 256, 257, 1000}) {
    for (const uint64_t widest : {1, 2, 100, 3000}) {
      for (const uint64_t most : {1, 3, 1000, 4000000}) {
        const Case made = random_case(size, widest, most, ++seed);
        const std::string bytes = encode_postings(made.numbers, made.counts, made.lengths);
        const Case read = read_all(bytes, made.lengths.size());
        ASSERT_EQ(read.numbers, made.numbers) << size << " " << widest << " " << most;
        ASSERT_EQ(read.counts, made.counts) << size << " " << widest << " " << most;
      }
    }
  }
}

TEST(Postings, LargestNumbersAndCountsFit) {
  Case made;
  for (uint32_t i = 0; i < 128; ++i) {
    made.numbers.push_back(i);
    made.counts.push_back(i % 2 == 0 ? 1 : INT32_MAX);
  }
  made.lengths.assign(128, UINT32_MAX);
  const std::string bytes = encode_postings(made.numbers, made.counts, made.lengths);
  EXPECT_EQ(read_all(bytes, 128).counts, made.counts);
  EXPECT_THROW(read_all(bytes, 127), Error);  // a number that the segment has not
  const std::array<uint32_t, 1> far = {UINT32_MAX - 1}, count = {INT32_MAX};
  std::string one;
  one.push_back(1);
  one += encode_postings(far, count, std::span<const uint32_t>{}).substr(1);
  EXPECT_EQ(read_all(one, UINT32_MAX).numbers[0], UINT32_MAX - 1);
}

TEST(Postings, FrequentTermsTakeLittleMoreThanAByteEach) {
  const Case made = random_case(12800, 8, 2, 1);
  EXPECT_LT(encode_postings(made.numbers, made.counts, made.lengths).size(),
            12800 * 5 / 8 * 11 / 10);
}

TEST(Postings, EveryPostingLiesUnderABoundOfItsBlock) {
  const Case made = random_case(3000, 20, 50, 5);
  const std::string bytes = encode_postings(made.numbers, made.counts, made.lengths);
  const std::string where = "test";
  const PostingsReader reader(bytes, made.lengths.size(), where);
  ASSERT_EQ(reader.blocks(), 24u);
  for (size_t i = 0; i < made.numbers.size(); ++i) {
    const size_t block = reader.find_block(made.numbers[i]);
    ASSERT_EQ(block, i / kPostingsBlock);
    const auto bounds = reader.bounds(block);
    EXPECT_TRUE(std::any_of(bounds.begin(), bounds.end(), [&](const PostingsBound& bound) {
      return bound.count >= made.counts[i] && bound.length <= made.lengths[made.numbers[i]];
    })) << i;
  }
  EXPECT_EQ(reader.find_block(made.numbers.back() + 1), reader.blocks());
}

// In memory of exactly its size, so that sanitizers see a byte read too far.
void read_damaged(const std::string& bytes, size_t chunks) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  try {
    const Case read = read_all({exact.data(), exact.size()}, chunks);
    ASSERT_TRUE(std::is_sorted(read.numbers.begin(), read.numbers.end()));
    ASSERT_LT(read.numbers.back(), chunks);
    ASSERT_EQ(std::count(read.counts.begin(), read.counts.end(), 0u), 0);
  } catch (const Error& error) {
    ASSERT_EQ(error.code(), ErrorCode::kBadFile);
  }
}

TEST(Postings, DamagedBytesAreAnErrorOrHarmless) {
  for (const size_t size : {1, 100, 128, 300}) {
    const Case made = random_case(size, 30, 9, size);
    const std::string bytes = encode_postings(made.numbers, made.counts, made.lengths);
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      EXPECT_THROW(read_all(bytes.substr(0, cut), made.lengths.size()), Error) << cut;
      read_damaged(bytes.substr(0, cut), made.lengths.size());
    }
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      read_damaged(flipped, made.lengths.size());
    }
  }
}

}  // namespace
}  // namespace onmal

#include "corpus/dedup/near.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "base/error.h"
#include "corpus/dedup/dedup_testing.h"
#include "corpus/dedup/exact.h"
#include "corpus/dedup/mix.h"
#include "corpus/random_text_testing.h"
#include "text/utf8.h"

namespace onmal {
namespace {

using NearTest = DedupTest;

size_t count_units(std::string_view text) {
  size_t count = 0;
  for_each_unit(text, [&](const TextUnit&) { ++count; });
  return count;
}

TEST(Units, AreCharactersOfHangulAndWordsOfOthers) {
  EXPECT_EQ(count_units("온말은 a Corpus-tool, v2!"), 3U + 4U);
  EXPECT_EQ(count_units(" ,.!\xFF\n"), 0U);
  EXPECT_EQ(count_units("漢字かな"), 4U);
  std::vector<uint64_t> left, right;
  for_each_unit("Ｈello, 온 말\u200B", [&](const TextUnit& unit) { left.push_back(unit.hash); });
  for_each_unit("HELLO 온말", [&](const TextUnit& unit) { right.push_back(unit.hash); });
  EXPECT_EQ(left, right);
}

// A window's hash belongs to its units alone, wherever they stand, and windows of words and
// characters mix in proportion.
TEST(Units, WindowsAreTheShortestRunsLongEnough) {
  Rng rng(5);
  std::vector<TextUnit> units;
  for (int i = 0; i < 400; ++i) units.push_back({mix_bits(rng.below(9)), rng.below(2) == 0});
  const WindowLength length{5, 3};
  UnitWindow window(length);
  std::map<uint64_t, std::vector<uint64_t>> runs;
  for (size_t end = 1; end <= units.size(); ++end) {
    const bool full = window.push(units[end - 1]);
    double share = 0;
    size_t begin = end;
    while (begin > 0 && share < 1 - 1e-9) share += units[--begin].is_word ? 1.0 / 3 : 1.0 / 5;
    EXPECT_EQ(full, share >= 1 - 1e-9);
    ASSERT_EQ(window.units(), end - begin);
    std::vector<uint64_t> run;
    UnitWindow fresh(length);
    for (size_t i = begin; i < end; ++i) {
      run.push_back(units[i].hash);
      fresh.push(units[i]);
    }
    EXPECT_EQ(window.hash(), fresh.hash());
    EXPECT_EQ(window.fingerprint_of_last(end - begin), fresh.fingerprint_of_last(end - begin));
    const auto [found, is_new] = runs.try_emplace(window.hash(), run);
    EXPECT_EQ(found->second, run);
  }
  EXPECT_THROW(UnitWindow({0, 3}), Error);
  EXPECT_THROW(UnitWindow({5, 257}), Error);
}

TEST(Units, ShinglesAreTheWindowsHashes) {
  Rng rng(6);
  for (int round = 0; round < 1000; ++round) {
    const std::string text = random_text(rng, rng.below(200));
    const WindowLength length{static_cast<uint32_t>(1 + rng.below(12)),
                              static_cast<uint32_t>(1 + rng.below(6))};
    UnitWindow window(length);
    std::vector<uint64_t> expected;
    for_each_unit(text, [&](const TextUnit& unit) {
      if (window.push(unit)) expected.push_back(window.hash());
    });
    if (expected.empty() && window.units() > 0) expected.push_back(window.hash());
    ASSERT_EQ(shingle_hashes(text, length), expected) << text;
  }
  const std::string words = "a b c d e f g h i j k l m n o p 가나다라마바사";
  EXPECT_EQ(shingle_hashes(words, {256, 256}).size(), 1U);
  EXPECT_THROW(shingle_hashes(words, {0, 3}), Error);
}

TEST(MinHash, EstimatesJaccardWithoutBias) {
  Rng rng(9);
  // Short and long sets; the spread of k independent hashes is the most that is allowed.
  for (const size_t size : {10, 60, 2000}) {
    double sum = 0, squares = 0;
    constexpr int kPairs = 400;
    for (int pair = 0; pair < kPairs; ++pair) {
      std::vector<uint64_t> a, b;
      for (size_t i = 0; i < size; ++i) {
        const uint64_t hash = rng.next();
        if (i % 10 != 0) a.push_back(hash);
        if (i % 10 != 1) b.push_back(hash);
      }
      EXPECT_NEAR(jaccard(shingle_set(a), shingle_set(b)), 0.8, 1e-9);
      const double error =
          estimate_jaccard(minhash_signature(a, 128), minhash_signature(b, 128)) - 0.8;
      sum += error;
      squares += error * error;
    }
    EXPECT_NEAR(sum / kPairs, 0, 0.006) << size;
    EXPECT_LT(std::sqrt(squares / kPairs), 0.0354 * 1.15) << size;
  }
  EXPECT_TRUE(minhash_signature({}, 128).empty());
  const std::vector<uint64_t> one = {42};
  const std::vector<uint64_t> repeated = {42, 42, 42};
  EXPECT_EQ(minhash_signature(one, 128), minhash_signature(repeated, 128));
}

TEST(MinHash, BandsFindWhatTheyPromise) {
  const Bands bands = choose_bands(128, 0.8, 0.98);
  EXPECT_EQ(bands.rows, 7U);
  EXPECT_EQ(bands.bands, 18U);
  EXPECT_GE(bands.chance(0.8), 0.98);
  EXPECT_LT(bands.chance(0.3), 0.01);
  EXPECT_THROW(choose_bands(4, 0.1, 0.99), Error);
  EXPECT_THROW(choose_bands(128, 0, 0.9), Error);
  EXPECT_THROW(choose_bands(128, 0.8, 1), Error);
}

// Sample paragraphs strung together in another order each, and copies with words left out or
// changed.
std::vector<std::string> edited_texts() {
  const std::vector<std::string> paragraphs = sample_paragraphs();
  Rng rng(21);
  std::vector<std::string> texts;
  for (int family = 0; family < 40; ++family) {
    std::string text;
    for (int i = 0; i < 3; ++i) text += paragraphs[rng.below(paragraphs.size())] + "\n";
    for (uint64_t copy = 0; copy < 5; ++copy) {
      std::string edited;
      for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find(' ', at), text.size() - 1) + 1;
        if (rng.below(100) >= copy * 3) edited += text.substr(at, end - at);
        at = end;
      }
      texts.push_back(edited);
    }
  }
  return texts;
}

// Every pair compared by its shingles; clusters by flooding.
std::vector<Duplicate> brute_force(const std::vector<std::string>& texts, double threshold,
                                   std::vector<size_t>& cluster) {
  std::vector<std::vector<uint32_t>> sets;
  std::vector<size_t> lengths;
  for (const std::string& text : texts) {
    const auto hashes = shingle_hashes(text, {5, 3});
    sets.push_back(shingle_set(hashes));
    lengths.push_back(hashes.size());
  }
  cluster.resize(texts.size());
  std::iota(cluster.begin(), cluster.end(), size_t{0});
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < texts.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (cluster[i] == cluster[j] || jaccard(sets[i], sets[j]) < threshold) continue;
        cluster[i] = cluster[j] = std::min(cluster[i], cluster[j]);
        changed = true;
      }
    }
  }
  std::vector<Duplicate> dropped;
  for (size_t i = 0; i < texts.size(); ++i) {
    size_t best = i;
    for (size_t j = 0; j < texts.size(); ++j) {
      const bool better = lengths[j] > lengths[best] || (lengths[j] == lengths[best] && j < best);
      if (cluster[j] == cluster[i] && better) best = j;
    }
    if (best != i) dropped.push_back({i, best});
  }
  return dropped;
}

TEST_F(NearTest, FindsWhatComparingAllPairsFinds) {
  const std::vector<std::string> texts = edited_texts();
  std::vector<size_t> cluster;
  const std::vector<Duplicate> expected = brute_force(texts, 0.8, cluster);
  ASSERT_GT(expected.size(), 60U);
  ASSERT_LT(expected.size(), texts.size() - 40);
  for (const bool exact : {true, false}) {
    NearOptions options;
    options.compare_shingles = exact;
    options.storage = storage(1 << 24);
    NearDuplicates near(options);
    for (uint64_t id = 0; id < texts.size(); ++id) near.add(id, texts[id]);
    const std::vector<Duplicate> found = all_of(near.finish());
    size_t right = 0;
    for (const Duplicate& duplicate : found)
      right += cluster[duplicate.id] == cluster[duplicate.kept] ? 1 : 0;
    // Most pairs here are close to the threshold, where signatures are off by 0.035.
    const double least = exact ? 0.95 : 0.85;
    EXPECT_GE(static_cast<double>(right), least * static_cast<double>(found.size()));
    EXPECT_GE(static_cast<double>(right), least * static_cast<double>(expected.size()));
    EXPECT_EQ(near.report().dropped, found.size());
    EXPECT_TRUE(!exact || right == found.size());
  }
}

TEST_F(NearTest, LimitsOrderAndThreadsChangeNothing) {
  const std::vector<std::string> texts = edited_texts();
  std::vector<Duplicate> first;
  for (const uint64_t memory : {1 << 24, 100000, 3000}) {
    for (const bool backwards : {false, true}) {
      NearOptions options;
      options.storage = storage(memory);
      NearDuplicates near(options);
      std::vector<std::thread> threads;
      for (size_t t = 0; t < 2; ++t) {
        threads.emplace_back([&, t] {
          for (size_t i = t; i < texts.size(); i += 2) {
            const size_t id = backwards ? texts.size() - 1 - i : i;
            near.add(id, texts[id]);
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      const std::vector<Duplicate> found = all_of(near.finish());
      EXPECT_EQ(near.spilled(), memory < 1 << 24);
      if (first.empty()) first = found;
      EXPECT_EQ(found, first) << memory;
    }
  }
  EXPECT_FALSE(first.empty());
}

// Whatever is under way when the check throws, nothing stays behind.
TEST_F(NearTest, CanBeStoppedWhileItDecides) {
  for (const uint64_t memory : {uint64_t{1} << 26, uint64_t{1} << 16}) {
    int most = 1;
    for (int allowed = 0; allowed < most; allowed += 1 + most / 5) {
      NearOptions options;
      options.storage = storage(memory);
      NearDuplicates near(options);
      for (uint64_t id = 0; id < 3000; ++id)
        near.add(id, "문서 " + std::to_string(id / 7) + "의 내용은 다음과 같다");
      int checks = 0;
      most = 0;
      EXPECT_THROW(near.finish([&] {
        if (++checks > allowed) throw Error(ErrorCode::kCancelled, "test", "stopped");
      }),
                   Error);
      EXPECT_EQ(checks, allowed + 1);
      NearDuplicates whole(options);
      for (uint64_t id = 0; id < 3000; ++id)
        whole.add(id, "문서 " + std::to_string(id / 7) + "의 내용은 다음과 같다");
      whole.finish([&] { ++most; });
      EXPECT_GT(most, 40);
    }
  }
}

TEST_F(NearTest, ParticlesDoNotHideACopy) {
  const std::string text =
      "지난주에는 비가 많이 왔다. 강물이 불어나서 다리 아래 산책길이 잠겼고, 아이들은 우산을 쓰고 "
      "물이 빠지기를 기다렸다. 할머니는 옛날에는 이런 비가 오면 논에 나가 물꼬를 텄다고 하셨다. "
      "아침마다 동네 빵집 앞에는 고소한 냄새가 퍼진다. 주인아저씨는 새벽 네 시에 반죽을 시작하고, "
      "여섯 시가 되면 첫 손님을 맞는다.";
  std::string other = text;
  const auto replace = [&](const std::string& from, const std::string& to) {
    other.replace(other.find(from), from.size(), to);
  };
  replace("아이들은", "아이들이");
  replace("할머니는", "할머니께서");
  NearOptions options;
  options.storage = storage(1 << 20);
  NearDuplicates near(options);
  near.add(1, text);
  near.add(2, other);
  near.add(3, "기차는 정확히 7시 30분에 출발했다. 창밖으로 낮은 산과 비닐하우스가 지나갔다.");
  EXPECT_EQ(all_of(near.finish()), (std::vector<Duplicate>{{1, 2}}));
}

TEST_F(NearTest, KeepsTheFirstWhenAsked) {
  NearOptions options;
  options.keep_longest = false;
  options.threshold = 0.7;
  options.storage = storage(1 << 20);
  NearDuplicates near(options);
  near.add(4, "one two three four five six seven eight nine ten eleven twelve thirteen");
  near.add(2, "one two three four five six seven eight nine ten eleven twelve");
  EXPECT_EQ(all_of(near.finish()), (std::vector<Duplicate>{{4, 2}}));
}

TEST_F(NearTest, WithExactDuplicatesOneOfAClusterIsLeft) {
  std::vector<std::string> texts = edited_texts();
  const size_t count = texts.size();
  for (size_t i = 0; i < count; ++i) texts.push_back(" " + texts[i] + " \n ");
  NearOptions options;
  options.storage = storage(1 << 24);
  NearDuplicates near(options);
  ExactDuplicates exact(options.storage);
  for (uint64_t id = 0; id < texts.size(); ++id) {
    near.add(id, texts[id]);
    exact.add(id, texts[id]);
  }
  std::set<uint64_t> dropped;
  for (const Duplicate& duplicate : all_of(exact.finish())) dropped.insert(duplicate.id);
  const std::vector<Duplicate> found = all_of(near.finish());
  for (const Duplicate& duplicate : found) dropped.insert(duplicate.id);
  EXPECT_GE(dropped.size(), count);
  for (const Duplicate& duplicate : found) EXPECT_FALSE(dropped.contains(duplicate.kept));
}

TEST_F(NearTest, TakesEmptyHugeAndBrokenTexts) {
  NearOptions options;
  options.storage = storage(1000);
  NearDuplicates near(options);
  std::string huge;
  Rng rng(1);
  while (huge.size() < 5'000'000)
    append_utf8(static_cast<uint32_t>(0xAC00 + rng.below(11172)), huge);
  near.add(0, "");
  near.add(1, "...");
  near.add(2, huge);
  near.add(3, huge.substr(0, 4'800'000));
  near.add(4, "\xFF\xFE\xED\xA0\x80");
  near.add(5, std::string(50'000'000, 'x'));
  EXPECT_EQ(all_of(near.finish()), (std::vector<Duplicate>{{3, 2}}));
}

TEST_F(NearTest, SameNumberTwiceAndDamageAreErrors) {
  NearOptions options;
  options.storage = storage(1000);
  {
    NearDuplicates near(options);
    near.add(1, "a text");
    near.add(1, "a text");
    EXPECT_THROW(near.finish(), Error);
  }
  NearDuplicates near(options);
  for (uint64_t id = 0; id < 50; ++id) near.add(id, "the same text");
  ASSERT_TRUE(near.spilled());
  for (const std::string& name : open_spill_files()) std::filesystem::resize_file(name, 50);
  try {
    all_of(near.finish());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadFile);
  }
}

}  // namespace
}  // namespace onmal

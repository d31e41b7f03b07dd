#include "corpus/dedup/contamination.h"

#include <map>
#include <set>
#include <thread>

#include "base/error.h"
#include "corpus/dedup/dedup_testing.h"
#include "corpus/dedup/paragraphs.h"

namespace onmal {
namespace {

using ParagraphsTest = DedupTest;

std::string numbered_words(uint64_t from, uint64_t to) {
  std::string text;
  for (uint64_t i = from; i < to; ++i) text += "word" + std::to_string(i) + " ";
  return text;
}

TEST(Contamination, FindsNgramsAndShortItemsWhole) {
  ContaminationIndex index({});
  const size_t english = index.add_set("english");
  const size_t korean = index.add_set("korean");
  index.add(english, numbered_words(0, 30));
  index.add(english, numbered_words(100, 109));  // shorter than an n-gram, whole
  index.add(english, numbered_words(200, 207));  // too short for anything
  index.add(
      korean,
      "우리 집 고양이는 이름이 구름이다. 하얀 털이 폭신해서 붙인 이름인데, 성격은 이름과 달리 "
      "꽤 까다롭다. 밥그릇이 비어 있으면 내 방문 앞에서 큰 소리로 운다.");
  index.build();
  EXPECT_EQ(index.unused_items(english), 1U);
  EXPECT_EQ(index.items(english), 3U);
  using Hits = std::vector<ContaminationHit>;
  // Thirteen words in another dress; twelve are not enough.
  EXPECT_EQ(index.find("so: WORD5, word6 word7 word8 word9 word10 word11 word12 word13 word14 "
                       "word15 (word16) word17 and on"),
            (Hits{{english, 0, 1}}));
  EXPECT_EQ(index.find("so " + numbered_words(5, 17) + "no"), Hits{});
  EXPECT_EQ(index.find(numbered_words(98, 140)), (Hits{{english, 1, 1}}));
  EXPECT_EQ(index.find(numbered_words(101, 140)), Hits{});
  EXPECT_EQ(index.find(numbered_words(190, 220)), Hits{});
  const std::string document =
      "어제 읽은 글. 고양이는 이름이 구름이다 하얀털이 폭신해서 붙인 이름인데 성격은 이름과 달리 "
      "꽤 "
      "까다롭다! 밥그릇이 비어 있으면 내 방문 앞에서";
  const Hits found = index.find(document + " " + numbered_words(2, 17));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], (ContaminationHit{english, 0, 3}));
  EXPECT_EQ(found[1].set, korean);
  EXPECT_EQ(index.find(document.substr(0, 150)), Hits{});
}

// All n-grams of items in a set of strings, against a vocabulary so small that parts of n-grams
// repeat everywhere.
TEST(Contamination, AgreesWithStringsOfWords) {
  Rng rng(4);
  const auto random_words = [&](uint64_t count) {
    std::vector<std::string> words;
    for (uint64_t i = 0; i < count; ++i) words.push_back(rng.below(2) == 0 ? "ab" : "cd");
    return words;
  };
  const auto join = [](const std::vector<std::string>& words, size_t begin, size_t end) {
    std::string text;
    for (size_t i = begin; i < end; ++i) text += words[i] + " ";
    return text;
  };
  ContaminationOptions options;
  options.ngram = {20, 10};
  options.whole_item = {8, 4};
  ContaminationIndex index(options);
  index.add_set("a");
  index.add_set("b");
  std::map<size_t, std::set<std::string>> grams[2];
  for (uint64_t item = 0; item < 40; ++item) {
    const auto words = random_words(rng.below(25));
    const size_t set = item % 2;
    index.add(set, join(words, 0, words.size()));
    if (words.size() >= 4 && words.size() < 10)
      grams[set][words.size()].insert(join(words, 0, words.size()));
    for (size_t begin = 0; begin + 10 <= words.size(); ++begin)
      grams[set][10].insert(join(words, begin, begin + 10));
  }
  index.build();
  for (int d = 0; d < 300; ++d) {
    const auto words = random_words(rng.below(60));
    uint64_t expected[2] = {0, 0};
    for (size_t set = 0; set < 2; ++set) {
      for (size_t end = 1; end <= words.size(); ++end) {
        bool any = false;
        for (const auto& [length, strings] : grams[set])
          any = any || (length <= end && strings.contains(join(words, end - length, end)));
        expected[set] += any ? 1 : 0;
      }
    }
    uint64_t found[2] = {0, 0};
    for (const ContaminationHit& hit : index.find(join(words, 0, words.size())))
      found[hit.set] = hit.ngrams;
    EXPECT_EQ(found[0], expected[0]);
    EXPECT_EQ(found[1], expected[1]);
  }
}

TEST(Contamination, WrongOptionsAndSmallMemoryAreErrors) {
  EXPECT_THROW(ContaminationIndex({{50, 13}, {60, 8}, 1 << 20}), Error);
  EXPECT_THROW(ContaminationIndex({{0, 13}, {30, 8}, 1 << 20}), Error);
  ContaminationIndex small({{50, 13}, {0, 0}, 1000});
  small.add_set("x");
  EXPECT_THROW(small.add(0, numbered_words(0, 1000)), Error);
}

TEST(Contamination, TakesEmptyHugeAndBrokenTexts) {
  ContaminationIndex index({});
  const size_t set = index.add_set("x");
  index.add(set, "");
  index.add(set, "\xFF\xFE");
  index.add(set, numbered_words(0, 20));
  index.build();
  EXPECT_TRUE(index.find("").empty());
  EXPECT_TRUE(index.find("\xFF\xED\xA0\x80").empty());
  std::string huge(50'000'000, 'x');
  EXPECT_TRUE(index.find(huge).empty());
  huge += " \xFF " + numbered_words(0, 13);
  EXPECT_EQ(index.find(huge), (std::vector<ContaminationHit>{{set, 2, 1}}));
  ContaminationIndex none({});
  none.build();
  EXPECT_TRUE(none.find("text").empty());
}

std::vector<std::string> texts_with_boilerplate(std::map<std::string, std::set<size_t>>& where) {
  Rng rng(8);
  std::vector<std::string> texts;
  for (size_t d = 0; d < 300; ++d) {
    std::string text;
    for (uint64_t p = rng.below(12); p > 0; --p) {
      // The square makes low numbers frequent.
      const uint64_t number = rng.below(40) * rng.below(40);
      const std::string line = "이 문단의 번호는 " + std::to_string(number) + "입니다.";
      where[line].insert(d);
      text += line + (rng.below(2) == 0 ? "\n" : "\r\n");
      if (rng.below(3) == 0) text += "\n";
    }
    texts.push_back(text);
  }
  return texts;
}

TEST_F(ParagraphsTest, RemovesWhatCountingFinds) {
  std::map<std::string, std::set<size_t>> where;
  const std::vector<std::string> texts = texts_with_boilerplate(where);
  size_t frequent = 0;
  for (const auto& [line, documents] : where) frequent += documents.size() > 5 ? 1 : 0;
  ASSERT_GT(frequent, 5U);
  for (const uint64_t memory : {100, 1 << 22}) {
    ParagraphCounter counter({5, 10, storage(memory)});
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        for (size_t d = t; d < texts.size(); d += 2) counter.add(d, texts[d]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    const RepeatedParagraphs repeated = counter.finish();
    EXPECT_EQ(counter.spilled(), memory == 100);
    EXPECT_EQ(repeated.size(), frequent);
    for (const auto& [line, documents] : where)
      EXPECT_EQ(repeated.holds(" " + line), documents.size() > 5) << line;
    for (const std::string& text : texts) {
      std::vector<std::string> expected, found;
      uint64_t removed = 0;
      for_each_line(text, [&](std::string_view line) {
        if (line.empty()) return;
        const bool goes = where[std::string(line)].size() > 5;
        removed += goes ? 1 : 0;
        if (!goes) expected.emplace_back(line);
      });
      const RepeatedParagraphs::Stripped stripped = repeated.strip(text);
      for_each_line(stripped.text, [&](std::string_view line) {
        if (!line.empty()) found.emplace_back(line);
      });
      EXPECT_EQ(found, expected);
      EXPECT_EQ(stripped.paragraphs, removed);
      EXPECT_EQ(stripped.text == text, removed == 0);
    }
  }
}

TEST_F(ParagraphsTest, LeavesShortOnesAndJoinsBlankLines) {
  ParagraphCounter counter({1, 10, storage(1 << 20)});
  for (uint64_t d = 0; d < 3; ++d) {
    counter.add(d, "first line of number " + std::to_string(d) +
                       "\n\nall rights reserved by us\n\nshort\n\nlast " + std::to_string(d));
  }
  // Twice in one document is once.
  counter.add(9, "said twice, said twice\nsaid twice, said twice");
  const RepeatedParagraphs repeated = counter.finish();
  EXPECT_EQ(repeated.size(), 1U);
  EXPECT_EQ(repeated.strip("kept\n\nall  rights reserved by us\n\nshort\n").text,
            "kept\n\nshort\n");
  EXPECT_EQ(repeated.strip("all rights reserved by us\n\nshort").text, "short");
  EXPECT_EQ(repeated.strip("kept\nall rights reserved by us\n\nshort").text, "kept\n\nshort");
  EXPECT_EQ(repeated.strip("kept\n\nall rights reserved by us").text, "kept\n\n");
}

TEST_F(ParagraphsTest, TakesEmptyHugeAndBrokenTexts) {
  ParagraphCounter counter({1, 10, storage(100)});
  const std::string huge(50'000'000, 'x');
  const std::string broken = "\xFF\xED\xA0\x80 broken bytes, much broken";
  for (uint64_t d = 0; d < 2; ++d) {
    counter.add(3 * d, huge);
    counter.add(3 * d + 1, "");
    counter.add(3 * d + 2, broken + "\n");
  }
  const RepeatedParagraphs repeated = counter.finish();
  EXPECT_EQ(repeated.size(), 2U);
  EXPECT_EQ(repeated.strip(huge).text, "");
  EXPECT_EQ(repeated.strip(broken).text, "");
  EXPECT_EQ(repeated.strip("").text, "");
  EXPECT_THROW(ParagraphCounter({0, 10, storage(100)}), Error);
}

}  // namespace
}  // namespace onmal

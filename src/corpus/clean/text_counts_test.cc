#include "corpus/clean/text_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "corpus/clean/boilerplate.h"
#include "corpus/random_text_testing.h"
#include "text/hangul.h"

namespace onmal {
namespace {

bool is_letter(uint32_t code) {
  return code < 0x80 && ((code | 0x20U) >= 'a' && (code | 0x20U) <= 'z');
}

// The words of a line, as the counts define them: letters in lower case, digits, all beyond ASCII.
std::vector<std::string> plain_words(std::string_view line) {
  std::vector<std::string> words(1);
  for (size_t i = 0; i < line.size();) {
    const Utf8Char c = read_utf8(line, i);
    const std::string_view bytes = line.substr(i, c.length);
    i += c.length;
    if (!c.valid || c.code == 0xFFFD) continue;
    const bool blank = c.code == ' ' || c.code == '\t' || c.code == '\r' || c.code == 0xA0 ||
                       c.code == 0x3000 || c.code == 0x2028;
    if (blank && !words.back().empty()) words.emplace_back();
    if (blank) continue;
    if (is_letter(c.code))
      words.back() += static_cast<char>(c.code | 0x20U);
    else if (c.code >= 0x80 || (c.code >= '0' && c.code <= '9'))
      words.back() += bytes;
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

TEST(TextCountsTest, AgreeWithCountingCharacterByCharacter) {
  Rng rng(11);
  for (int round = 0; round < 3000; ++round) {
    std::string line = random_text(rng, rng.below(30));
    std::erase(line, '\n');
    TextCounts expected;
    for (size_t i = 0; i < line.size();) {
      const Utf8Char c = read_utf8(line, i);
      i += c.length;
      expected.latin += is_letter(c.code) && c.valid ? 1 : 0;
      expected.digits += c.valid && c.code >= '0' && c.code <= '9' ? 1 : 0;
      expected.hangul += c.valid && is_hangul_syllable(c.code) ? 1 : 0;
      const bool blank = c.code == ' ' || c.code == '\t' || c.code == '\r' || c.code == 0xA0 ||
                         c.code == 0x3000 || c.code == 0x2028;
      expected.characters += c.valid && blank ? 0 : 1;
    }
    std::vector<TextWord> found;
    const TextCounts counts = count_line(line, 1000, found);
    EXPECT_EQ(counts.latin, expected.latin);
    EXPECT_EQ(counts.digits, expected.digits);
    EXPECT_EQ(counts.hangul, expected.hangul);
    EXPECT_EQ(counts.characters, expected.characters);
    const std::vector<std::string> words = plain_words(line);
    ASSERT_EQ(found.size(), words.size()) << line;
    EXPECT_EQ(counts.words, words.size());
    // Equal words have equal hashes, others have not.
    std::map<std::string, uint64_t> hashes;
    std::set<uint64_t> different;
    for (size_t i = 0; i < words.size(); ++i) {
      EXPECT_EQ(found[i].bytes, words[i].size());
      EXPECT_EQ(hashes.try_emplace(words[i], found[i].hash).first->second, found[i].hash);
      different.insert(found[i].hash);
    }
    EXPECT_EQ(different.size(), hashes.size());
  }
}

TEST(TextCountsTest, WordsOfOneRepeatedCharacterDiffer) {
  std::string line;
  for (const std::string_view character : {"a", "7", "로", "é"}) {
    std::string word;
    for (int i = 0; i < 60; ++i) line += (word += character) + " ";
  }
  std::vector<TextWord> words;
  count_line(line, 1000, words);
  std::set<uint64_t> hashes;
  for (const TextWord& word : words) hashes.insert(word.hash);
  EXPECT_EQ(hashes.size(), 4U * 60);
}

TEST(TextCountsTest, KnowFunctionWordsAndMisreadText) {
  std::vector<TextWord> words;
  const TextCounts counts = count_line("The cat's through; BECAUSE theé 그리고", 10, words);
  EXPECT_EQ(counts.function_words, 3U);
  EXPECT_EQ(count_line("占쏙옙 占쏙옙", 10, words).broken, 4U);
  EXPECT_EQ(count_line("쏙옙 가占가쏙", 10, words).broken, 0U);
  EXPECT_EQ(count_line("==== ** a", 10, words).symbols, 2U);
}

TEST(TextCountsTest, FindSentenceEndsAnywhere) {
  Rng rng(12);
  for (int round = 0; round < 2000; ++round) {
    std::string line(7 + rng.below(70), 'x');
    // A digit in front speaks for a list's number.
    const size_t at = 1 + rng.below(line.size() - 2);
    line[at] = ".?!,"[rng.below(4)];
    line[at + 1] = ' ';
    line[at - 1] = "x1 "[rng.below(3)];
    line.back() = 'x';
    const bool ends = at >= 6 && line[at] != ',' && line[at - 1] != '1' && line[at + 1] == ' ';
    EXPECT_EQ(has_sentence_end(line), ends) << line;
  }
}

TEST(BoilerplateTest, PhrasesAreFoundAnywhereInALine) {
  const Boilerplate boilerplate;
  Rng rng(13);
  for (const std::string_view phrase : {"All Rights Reserved", "재배포 금지", "© 2020"}) {
    for (size_t before = 0; before < 40; ++before) {
      std::string line;
      for (size_t i = 0; i < before; ++i) line += rng.below(2) == 0 ? "가" : "x";
      EXPECT_FALSE(boilerplate.of_line(line + "끝말")) << line;
      EXPECT_EQ(boilerplate.of_line(line + std::string(phrase)), QualityRule::kCopyrightLine);
    }
  }
  EXPECT_FALSE(boilerplate.of_line("All rights reserve"));
  EXPECT_FALSE(boilerplate.of_line("all rights reserved" + std::string(200, 'x')));
}

}  // namespace
}  // namespace onmal

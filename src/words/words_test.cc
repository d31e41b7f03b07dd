#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "text/unicode.h"
#include "words/similarity.h"
#include "words/subwords.h"
#include "words/word_file.h"
#include "words/word_splitter.h"
#include "words/word_vectors.h"

namespace onmal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

Words words_of(std::string_view text, const WordRules& rules = {}) {
  Words words;
  split_words(text, rules, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

TEST(WordSplitter, CutsAtPunctuationOrAtWhiteSpaceAlone) {
  EXPECT_THAT(words_of("나는, 학교에(갔다).\nI'm 3.5"),
              ElementsAre("나는", "학교에", "갔다", "", "I", "m", "3", "5", ""));
  EXPECT_THAT(words_of("나는, 갔다.\n", {WordSplit::kWhiteSpace, false}),
              ElementsAre("나는,", "갔다.", ""));
  EXPECT_THAT(words_of("ÀB Ab", {WordSplit::kLetters, true}), ElementsAre("àb", "ab", ""));
}

TEST(WordSplitter, DecomposedTextGivesTheSameWords) {
  const std::string text = "각하 café 값";
  EXPECT_EQ(words_of(normalize_unicode(text, NormalForm::kNfd)), words_of(text));
}

TEST(Subwords, SyllablesAreThreeJamoEach) {
  EXPECT_EQ(decompose_syllables("가각a"), "\u1100\u1161\u11A7\u1100\u1161\u11A8a");
}

TEST(Subwords, CountsOfCharacterAndJamoNgrams) {
  const auto count = [](std::string_view word, const SubwordOptions& options) {
    int n = 0;
    for_each_subword(word, options, [&](int64_t bucket) {
      EXPECT_GE(bucket, 0);
      EXPECT_LT(bucket, options.buckets);
      ++n;
    });
    return n;
  };
  // "<abc>": three of 3, two of 4, one of 5.
  EXPECT_EQ(count("abc", {3, 6, 3, 5, 100}), 6);
  // "<가>": one of 3 characters; < + 3 jamo + >: three of 3, two of 4, one of 5.
  EXPECT_EQ(count("가", {3, 6, 3, 5, 100}), 1 + 6);
  EXPECT_EQ(count("가", {3, 6, 0, 0, 100}), 1);
  // Single characters, without the borders.
  EXPECT_EQ(count("abc", {1, 1, 0, 0, 100}), 3);
}

// The bucket of "<é>" by FNV-1a, with signed bytes.
TEST(Subwords, HashesAsFastTextDoes) {
  std::vector<int64_t> buckets;
  for_each_subword("é", {3, 3, 0, 0, int64_t{1} << 30},
                   [&](int64_t bucket) { buckets.push_back(bucket); });
  uint32_t hash = 2166136261U;
  for (const int byte : {0x3C, 0xC3 - 256, 0xA9 - 256, 0x3E})
    hash = (hash ^ static_cast<uint32_t>(byte)) * 16777619U;
  EXPECT_THAT(buckets, ElementsAre(hash % (1U << 30)));
}

TEST(Subwords, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(check_subwords({5, 3, 0, 0, 10}), Error);
  EXPECT_THROW(check_subwords({3, 99, 0, 0, 10}), Error);
  EXPECT_THROW(check_subwords({3, 6, 0, 0, 0}), Error);
  EXPECT_NO_THROW(check_subwords({0, 0, 0, 0, 0}));
}

// Countries lie one step along the second axis from their capitals.
WordVectors capitals() {
  SubwordVectors parts;
  parts.options = {3, 3, 0, 0, 1000};
  std::vector<int64_t> buckets;
  for_each_subword("서울", parts.options, [&](int64_t bucket) { buckets.push_back(bucket); });
  std::sort(buckets.begin(), buckets.end());
  for (const int64_t bucket : buckets) {
    parts.buckets.push_back(static_cast<int32_t>(bucket));
    parts.values.insert(parts.values.end(), {1, 0, 0});
  }
  return WordVectors(3, {"서울", "한국", "도쿄", "일본", "파리"},
                     {1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0.5F, -1, 0.2F}, {9, 8, 7, 6, 5}, parts);
}

TEST(WordVectors, AnyNormalFormFindsAWord) {
  const WordVectors vectors = capitals();
  EXPECT_EQ(vectors.find("한국"), 1);
  EXPECT_EQ(vectors.find(normalize_unicode("한국", NormalForm::kNfd)), 1);
  EXPECT_EQ(vectors.find("북한"), std::nullopt);
}

TEST(WordVectors, UnknownWordsAreComposedOrAnErrorThatNamesTheNearestSpelling) {
  const WordVectors vectors = capitals();
  EXPECT_THAT(vectors.vector("서울시"), ElementsAre(1, 0, 0));  // shares "<서울"
  try {
    vectors.vector("한귝");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean '한국'"));
  }
}

TEST(WordSimilarity, NearestAndAnalogies) {
  const WordVectors vectors = capitals();
  ThreadPool pool(2);
  const WordSimilarity similarity(vectors, pool);
  const std::vector<Neighbour> near = similarity.nearest(vectors.vector("서울"), 2, std::array{0});
  ASSERT_EQ(near.size(), 2U);
  EXPECT_EQ(near[0].word, 1);
  EXPECT_NEAR(near[0].score, std::sqrt(0.5), 1e-6);
  for (const AnalogyMethod method : {AnalogyMethod::k3CosAdd, AnalogyMethod::k3CosMul}) {
    const auto answers = similarity.analogy("서울", "한국", "도쿄", 9, method);
    ASSERT_EQ(answers.size(), 2U);  // not the three asked with
    EXPECT_EQ(answers[0].word, 3);
  }
  EXPECT_TRUE(similarity.nearest(vectors.vector("서울"), 0, {}).empty());
}

TEST(WordSimilarity, AnswersFilesOfAnalogiesBySection) {
  const WordVectors vectors = capitals();
  ThreadPool pool(1);
  const WordSimilarity similarity(vectors, pool);
  const auto ignore = [](size_t) {};
  const auto sections = answer_analogies(
      similarity, ": 수도\n서울 한국 도쿄 일본\n서울 한국 도쿄 파리\n서울 한국 로마 일본\n\n: b\n",
      "f", ignore);
  ASSERT_EQ(sections.size(), 2U);
  EXPECT_EQ(sections[0].name, "수도");
  EXPECT_EQ(sections[0].questions, 3);
  EXPECT_EQ(sections[0].covered, 2);
  EXPECT_EQ(sections[0].right_add, 1);
  EXPECT_EQ(sections[0].right_mul, 1);
  EXPECT_THROW(answer_analogies(similarity, "서울 한국 도쿄\n", "f", ignore), Error);
}

class WordFileTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("onmal_words_" + std::to_string(getpid()));
};

TEST_F(WordFileTest, EveryFormatReadsBackAsItWas) {
  const WordVectors vectors = capitals();
  for (const char* name : {"a.words", "a.vec", "a.bin"}) {
    const std::filesystem::path path = folder_ / name;
    write_word_vectors(path, vectors, word_format_of(path));
    const WordVectors again = read_word_vectors(path);
    EXPECT_EQ(again.words(), vectors.words()) << name;
    EXPECT_EQ(again.values(), vectors.values()) << name;
    if (path.extension() != ".words") continue;
    EXPECT_EQ(again.counts(), vectors.counts());
    EXPECT_EQ(again.vector("서울시"), vectors.vector("서울시"));
  }
}

TEST_F(WordFileTest, ReadsWhatOthersWrite) {
  // fastText ends lines with a space; GloVe has no first line; word2vec's binary rows may lack the
  // line feed.
  EXPECT_EQ(parse_word_vectors("2 2\nab 1 2 \ncd 3 4 \n", "f").words(), (Words{"ab", "cd"}));
  const WordVectors glove = parse_word_vectors("ab 1 2 -3e-1\nc d 3 4 5\n", "f");
  EXPECT_EQ(glove.words(), (Words{"ab", "c d"}));
  EXPECT_EQ(glove.dim(), 3);
  std::string binary = "2 1\nab ";
  binary.append("\0\0\x80\x3F", 4).append("c ").append("\0\0\0\x40", 4);
  EXPECT_THAT(parse_word_vectors(binary, "f").values(), ElementsAre(1, 2));
}

TEST_F(WordFileTest, DamagedFilesAreErrors) {
  const WordVectors vectors = capitals();
  for (const char* name : {"a.words", "a.bin"}) {
    const std::filesystem::path path = folder_ / name;
    write_word_vectors(path, vectors, word_format_of(path));
    const std::string bytes = read_file(path);
    for (size_t cut = 0; cut + 1 < bytes.size(); ++cut)
      EXPECT_THROW(parse_word_vectors(bytes.substr(0, cut), name), Error) << name << " " << cut;
    EXPECT_THROW(parse_word_vectors(bytes + "more", name), Error);
  }
  for (const std::string text :
       {"", "3 2\nab 1 2\n", "1 2\nab 1 x\n", "1 0\nab\n", "99999999999 1\nab 1\n",
        "2000000000 60000\nab ", "hello", "1 2\nab 1 nan\n", "\xBA\x16\x4F\x2F\x0C"})
    EXPECT_THROW(parse_word_vectors(text, "f"), Error) << text;
}

TEST_F(WordFileTest, TextCannotHoldWordsWithSpaces) {
  const WordVectors vectors(1, {"a b"}, {1});
  EXPECT_THROW(write_word_vectors(folder_ / "a.vec", vectors, WordFileFormat::kWord2vecText),
               Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
}  // namespace onmal

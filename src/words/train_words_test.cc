#include "words/train_words.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "words/similarity.h"

namespace onmal {
namespace {

// Sentences of one of two topics: words of a topic stand beside each other, never beside the
// other's.
WordCorpus two_topics(int sentences) {
  WordCorpus corpus;
  for (int i = 0; i < 20; ++i) {
    corpus.words.push_back((i < 10 ? "왼쪽" : "오른쪽") + std::to_string(i));
    corpus.counts.push_back(0);
  }
  Rng rng(3);
  for (int s = 0; s < sentences; ++s) {
    const uint64_t topic = rng.below(2);
    for (int i = 0; i < 8; ++i) {
      const auto word = static_cast<int32_t>(10 * topic + rng.below(10));
      corpus.stream.push_back(word);
      ++corpus.counts[static_cast<size_t>(word)];
      ++corpus.tokens;
    }
    corpus.stream.push_back(WordCorpus::kSentenceEnd);
  }
  return corpus;
}

WordTrainingOptions small_options(WordObjective objective) {
  WordTrainingOptions options;
  options.objective = objective;
  options.dim = 20;
  options.epochs = 10;
  options.subsample = 0;
  options.subwords = {.char_most = 0, .jamo_most = 0};
  return options;
}

class TrainWords : public ::testing::TestWithParam<WordObjective> {};

TEST_P(TrainWords, NeighboursEndUpTogether) {
  const WordCorpus corpus = two_topics(600);
  ThreadPool pool(2);
  const WordVectors vectors = train_word_vectors(corpus, small_options(GetParam()), pool);
  const WordSimilarity similarity(vectors, pool);
  for (int32_t word = 0; word < 20; ++word) {
    const std::vector<Neighbour> near =
        similarity.nearest({vectors.row(word), 20}, 9, std::array{word});
    for (const Neighbour& neighbour : near)
      EXPECT_EQ(neighbour.word / 10, word / 10) << vectors.word(word);
  }
}

TEST_P(TrainWords, AnyNumberOfThreadsGivesTheSameBits) {
  const WordCorpus corpus = two_topics(200);
  WordTrainingOptions options = small_options(GetParam());
  options.subwords = {};
  options.epochs = 2;
  ThreadPool one(1);
  ThreadPool three(3);
  const WordVectors a = train_word_vectors(corpus, options, one);
  const WordVectors b = train_word_vectors(corpus, options, three);
  EXPECT_EQ(a.values(), b.values());
  EXPECT_EQ(a.subwords().values, b.subwords().values);
  options.seed = 2;
  EXPECT_NE(train_word_vectors(corpus, options, one).values(), a.values());
}

TEST_P(TrainWords, LossFallsAndTimeIsTold) {
  const WordCorpus corpus = two_topics(600);
  ThreadPool pool(2);
  std::vector<WordTrainingProgress> reports;
  train_word_vectors(corpus, small_options(GetParam()), pool,
                     [&](const WordTrainingProgress& progress) { reports.push_back(progress); });
  ASSERT_EQ(reports.size(), 10U);
  EXPECT_LT(reports.back().loss, 0.9 * reports.front().loss);
  EXPECT_DOUBLE_EQ(reports.back().done, 1);
  EXPECT_EQ(reports.back().words, 10 * corpus.tokens);
}

INSTANTIATE_TEST_SUITE_P(Objectives, TrainWords,
                         ::testing::Values(WordObjective::kSkipGram, WordObjective::kCbow));

TEST(TrainWordsErrors, OptionsThatMakeNoSenseAndStops) {
  const WordCorpus corpus = two_topics(10);
  ThreadPool pool(1);
  const auto train_with = [&](auto change) {
    WordTrainingOptions options = small_options(WordObjective::kSkipGram);
    change(options);
    train_word_vectors(corpus, options, pool);
  };
  EXPECT_THROW(train_with([](auto& o) { o.dim = 0; }), Error);
  EXPECT_THROW(train_with([](auto& o) { o.window = 0; }), Error);
  EXPECT_THROW(train_with([](auto& o) { o.epochs = 0; }), Error);
  EXPECT_THROW(train_with([](auto& o) { o.negatives = 0; }), Error);
  EXPECT_THROW(train_with([](auto& o) { o.learning_rate = 0; }), Error);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(
      train_word_vectors(corpus, small_options(WordObjective::kCbow), pool, {}, stop.get_token()),
      Error);
}

// One word alone has no neighbours and no wrong words; two words only each other.
TEST(TrainWordsErrors, TinyTextsTrain) {
  ThreadPool pool(2);
  for (const WordObjective objective : {WordObjective::kSkipGram, WordObjective::kCbow}) {
    WordCorpus corpus;
    corpus.words = {"하나"};
    corpus.counts = {1};
    corpus.stream = {0};
    corpus.tokens = 1;
    EXPECT_EQ(train_word_vectors(corpus, small_options(objective), pool).size(), 1);
    corpus.words.push_back("둘");
    corpus.counts = {1, 1};
    corpus.stream = {0, 1, -1};
    corpus.tokens = 2;
    EXPECT_EQ(train_word_vectors(corpus, small_options(objective), pool).size(), 2);
  }
}

TEST(ReadWordCorpus, CountsSortsAndLeavesOutRareWords) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("onmal_corpus_" + std::to_string(getpid()));
  write_file(path, "b a b\n\nc b a\n");
  Source source;
  source.path = path;
  source.format = SourceFormat::kLines;
  const WordCorpus corpus = read_word_corpus({source}, {}, 2);
  EXPECT_EQ(corpus.words, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(corpus.counts, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(corpus.stream, (std::vector<int32_t>{0, 1, 0, -1, 0, 1, -1}));
  EXPECT_EQ(corpus.tokens, 6);
  EXPECT_THROW(read_word_corpus({source}, {}, 9), Error);
  write_file(path, " \n");
  EXPECT_THROW(read_word_corpus({source}, {}, 1), Error);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace onmal

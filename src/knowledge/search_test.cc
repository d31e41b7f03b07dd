#include "knowledge/search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "knowledge/dense/quantized_vector.h"
#include "knowledge/reranker.h"
#include "knowledge/store/store_testing.h"

namespace onmal {
namespace {

// Vectors of two dimensions by an angle that a text's first word names.
class AngleEmbedder : public Embedder {
 public:
  const std::string& identity() const override { return identity_; }
  int64_t dimensions() const override { return 2; }
  std::vector<float> embed(std::span<const std::string> texts, EmbedSide /*side*/,
                           const std::stop_token& /*stop*/ = {}) override {
    std::vector<float> values;
    for (const std::string& text : texts) {
      const double angle = angles.at(text.substr(0, text.find(' ')));
      values.push_back(static_cast<float>(std::cos(angle)));
      values.push_back(static_cast<float>(std::sin(angle)));
    }
    return values;
  }
  std::map<std::string, double> angles = {
      {"apple", 0.1}, {"pear", 0.5}, {"stone", 1.5}, {"sea", 3.0}, {"question", 0.0}};

 private:
  std::string identity_ = "angles";
};

class FixedReranker : public Reranker {
 public:
  std::vector<double> score(const std::string& /*query*/, std::span<const std::string> passages,
                            const std::stop_token& /*stop*/ = {}) override {
    judged.assign(passages.begin(), passages.end());
    std::vector<double> scores;
    for (const std::string& passage : passages)
      scores.push_back(passage.find("stone") != std::string::npos ? 0.9 : 0.1);
    return scores;
  }
  std::vector<std::string> judged;
};

class SearchTest : public ::testing::Test {
 protected:
  SearchTest() {
    store_.set_embedder(embedder_.identity(), 2);
    NewDocument document =
        make_document("a", {"apple tree", "pear tree and garden", "stone wall in a garden", "sea"});
    for (NewChunk& chunk : document.chunks) {
      const std::vector<std::string> text = {chunk.text};
      chunk.hash = chunk.text;
      chunk.vector = encode_vector(quantize_vector(embedder_.embed(text, EmbedSide::kPassage)));
    }
    store_.apply({{std::move(document)}, {}, {}});
  }

  std::vector<std::string> find(const std::string& query, SearchMode mode = SearchMode::kAuto,
                                Reranker* reranker = nullptr, int64_t depth = 50) {
    KnowledgeSearch search(store_, &embedder_, reranker);
    SearchOptions options;
    options.mode = mode;
    options.rerank_depth = depth;
    passages_ = search.find(query, options);
    std::vector<std::string> texts;
    for (const Passage& passage : passages_)
      texts.push_back(passage.text.substr(0, passage.text.find(' ')));
    return texts;
  }

  KnowledgeStore store_{open_sqlite(":memory:", false)};
  AngleEmbedder embedder_;
  std::vector<Passage> passages_;
};

using Texts = std::vector<std::string>;

TEST_F(SearchTest, FusesWordsAndMeaning) {
  EXPECT_EQ(find("question garden", SearchMode::kLexical), (Texts{"pear", "stone"}));
  EXPECT_EQ(find("question garden", SearchMode::kDense), (Texts{"apple", "pear", "stone", "sea"}));
  // What has a word of the question, and what is near; never what is far and has none.
  EXPECT_EQ(find("question garden"), (Texts{"pear", "apple", "stone"}));
  EXPECT_EQ(find("question"), (Texts{"apple", "pear"}));
  embedder_.angles["question"] = 5.0;
  EXPECT_EQ(find("question"), Texts{});
}

TEST_F(SearchTest, TheBestPassagesMoveTheQuestion) {
  // By the question alone apple is nearer than stone; the passage with the word pulls it over.
  embedder_.angles["question"] = 0.75;
  EXPECT_EQ(find("question", SearchMode::kDense)[0], "pear");
  find("question wall");
  ASSERT_GE(passages_.size(), 3U);
  EXPECT_EQ(passages_[0].text.substr(0, 5), "stone");
  // Twin: half-way between the question and the mean of the best three, weighed by their scores.
  const auto cosine = [&](const char* name, double x, double y) {
    const double angle = embedder_.angles.at(name);
    return (std::cos(angle) * x + std::sin(angle) * y) / std::hypot(x, y);
  };
  const double first = cosine("stone", std::cos(0.75), std::sin(0.75));
  EXPECT_GT(passages_[0].score - passages_[1].score, 0.0);
  const std::vector<ScoredChunk> words =
      store_.search_terms(query_terms(Analyzer(), "question wall"), 10, {});
  double possible = 0;
  store_.search_terms(query_terms(Analyzer(), "question wall"), 10, {}, &possible);
  const double share = words.at(0).score / possible;
  const double others[] = {cosine("pear", std::cos(0.75), std::sin(0.75)),
                           cosine("apple", std::cos(0.75), std::sin(0.75))};
  const double weights[] = {share + 0.2 * first, 0.2 * others[0], 0.2 * others[1]};
  const char* const names[] = {"stone", "pear", "apple"};
  double x = 0, y = 0;
  for (int i = 0; i < 3; ++i) {
    x += weights[i] * std::cos(embedder_.angles.at(names[i]));
    y += weights[i] * std::sin(embedder_.angles.at(names[i]));
  }
  const double length = std::hypot(x, y);
  x = x / length + std::cos(0.75);
  y = y / length + std::sin(0.75);
  EXPECT_NEAR(passages_[0].score, share + 0.2 * cosine("stone", x, y), 0.01);  // bytes are rough
  EXPECT_NEAR(passages_[1].score, 0.2 * cosine("pear", x, y), 0.01);
}

TEST_F(SearchTest, ARerankerOrdersTheBestAnew) {
  FixedReranker reranker;
  EXPECT_EQ(find("question garden", SearchMode::kAuto, &reranker),
            (Texts{"stone", "pear", "apple"}));
  ASSERT_EQ(reranker.judged.size(), 3U);
  EXPECT_EQ(reranker.judged[0], "title of a\none\ntwo\npear tree and garden");
  EXPECT_DOUBLE_EQ(passages_[0].score, 0.9);
  EXPECT_GT(passages_[1].first_score, passages_[0].first_score);
  // One alone is judged: the others stay behind it.
  EXPECT_EQ(find("question garden", SearchMode::kAuto, &reranker, 1)[0], "pear");
  EXPECT_EQ(reranker.judged.size(), 1U);
}

}  // namespace
}  // namespace onmal

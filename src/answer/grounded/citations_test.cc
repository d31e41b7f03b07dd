#include "answer/grounded/citations.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "answer/grounded/grounded_testing.h"
#include "infer/sampler.h"
#include "tokenizer/bpe_tokenizer.h"

namespace onmal {
namespace {

using testing::characters_between;
using testing::whole_passage;

const std::string kSeoulPassage =
    "서울은 대한민국의 수도이다. 인구는 약 940만 명이다. 서울 지하철은 1974년에 개통되었다.";
const std::string kTowerPassage =
    "The Eiffel Tower stands in Paris. It was completed in 1889 by Gustave Eiffel. Visitors may "
    "not climb the spire.";

class CitationsTest : public ::testing::Test {
 protected:
  const Analyzer analyzer_;
  const std::vector<Passage> passages_ = {whole_passage(kSeoulPassage, 1),
                                          whole_passage(kTowerPassage, 2)};
  const PackedContext context_ = join_passages(passages_);
  const Evidence evidence_{context_.blocks, analyzer_};
};

bool passes(const CitationConstraint& constraint, std::string_view text) {
  int32_t state = constraint.start();
  for (const char c : text) {
    state = constraint.next(state, static_cast<uint8_t>(c));
    if (state == TextConstraint::kDead) return false;
  }
  return true;
}

TEST(CitationConstraint, LetsNumbersThroughThatExist) {
  const CitationConstraint constraint(12);
  for (int id = -1; id < 130; ++id)
    EXPECT_EQ(passes(constraint, "사실 [" + std::to_string(id) + "]."), id >= 1 && id <= 12) << id;
  EXPECT_TRUE(passes(constraint, "a [1][12] ] 99 (3) b"));
  for (const char* text : {"[]", "[ 1]", "[1 ]", "[01]", "[1,2]", "[a]", "[[1]"})
    EXPECT_FALSE(passes(constraint, text)) << text;
  EXPECT_TRUE(constraint.may_end(constraint.start()));
  EXPECT_FALSE(constraint.may_end(constraint.next(constraint.start(), '[')));
  // With no passages brackets are text.
  EXPECT_TRUE(passes(CitationConstraint(0), "[5] [x"));
}

// Tokens of several bytes, cut across a citation in every way.
BpeTokenizer odd_tokenizer() {
  BpeDefinition definition;
  for (int byte = 0; byte < 256; ++byte) definition.pieces.emplace_back(1, static_cast<char>(byte));
  for (const char* piece :
       {"[1", "].", "[12", "] [", "][", "2]", "[9]", "[3] 이", " [", "[[", "]]"})
    definition.pieces.emplace_back(piece);
  definition.special_ids.push_back(static_cast<int32_t>(definition.pieces.size()));
  definition.pieces.emplace_back("<|im_end|>");
  return BpeTokenizer(definition);
}

TEST(CitationConstraint, RandomTokensWriteOnlyCitationsThatExist) {
  const BpeTokenizer tokenizer = odd_tokenizer();
  const CitationConstraint constraint(3);
  std::set<std::string> written;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    TokenMask mask(tokenizer, constraint, tokenizer.vocab_size());
    SamplerOptions how;
    how.temperature = 1;
    how.top_k = 0;
    how.top_p = 1;
    how.seed = seed;
    Sampler sampler(how, tokenizer.vocab_size());
    // Brackets and the odd pieces are likely.
    std::vector<float> logits(static_cast<size_t>(tokenizer.vocab_size()), 0.0F);
    for (size_t i = 256; i < logits.size(); ++i) logits[i] = 4.0F;
    logits['['] = logits[']'] = 4.0F;
    std::string text;
    bool inside = false;
    for (int step = 0; step < 300; ++step) {
      const int32_t id = sampler.sample(mask.apply(logits));
      mask.accept(id);
      if (tokenizer.is_special(id)) {
        EXPECT_FALSE(inside) << text;
        continue;
      }
      text += tokenizer.piece(id);
      const size_t open = text.rfind('[');
      inside = open != std::string::npos && text.find(']', open) == std::string::npos;
    }
    // Checked by what a reader would do: every "[" is followed by an id and "]".
    for (size_t at = text.find('['); at != std::string::npos; at = text.find('[', at + 1)) {
      const size_t close = text.find(']', at);
      if (close == std::string::npos) break;  // the last one may be open still
      written.insert(text.substr(at, close + 1 - at));
    }
  }
  EXPECT_EQ(written, (std::set<std::string>{"[1]", "[2]", "[3]"}));
}

TEST(Claims, CitationsBelongToTheSentenceBefore) {
  const std::string answer = "하나이다 [1]. 둘이다. [2][1] 셋이다 [9].\n- 넷이다[2]";
  const std::vector<Claim> claims = find_claims(answer, 2);
  ASSERT_EQ(claims.size(), 4U);
  EXPECT_EQ(claims[0].ids, (std::vector<int64_t>{1}));
  EXPECT_EQ(claims[1].ids, (std::vector<int64_t>{2, 1}));
  EXPECT_TRUE(claims[2].ids.empty());
  EXPECT_EQ(claims[3].ids, (std::vector<int64_t>{2}));
  EXPECT_EQ(answer.substr(claims[1].begin, claims[1].end - claims[1].begin), "둘이다.");
  EXPECT_TRUE(find_claims("", 3).empty());
  EXPECT_TRUE(find_claims("[1]", 3).empty());
}

TEST_F(CitationsTest, QuotesStandWhereTheySay) {
  const std::vector<Citation> citations = check_citations(
      evidence_, "서울의 인구는 약 940만 명이다 [1]. The Eiffel Tower was completed in 1889. [2]");
  ASSERT_EQ(citations.size(), 2U);
  EXPECT_EQ(citations[0].support, Support::kSupported);
  EXPECT_EQ(
      characters_between(kSeoulPassage, citations[0].begin_character, citations[0].end_character),
      citations[0].quote);
  EXPECT_NE(citations[0].quote.find("940만"), std::string::npos);
  EXPECT_EQ(citations[1].support, Support::kSupported);
  EXPECT_EQ(citations[1].document, 2);
  EXPECT_EQ(
      characters_between(kTowerPassage, citations[1].begin_character, citations[1].end_character),
      citations[1].quote);
}

TEST_F(CitationsTest, WhatThePassageDoesNotSayIsMarked) {
  const auto support = [&](const std::string& answer) {
    const std::vector<Citation> citations = check_citations(evidence_, answer);
    return citations.size() == 1 ? citations[0].support : Support::kSupported;
  };
  EXPECT_EQ(support("인구는 약 950만 명이다 [1]."), Support::kUnsupported);  // another number
  EXPECT_EQ(support("인구는 약 940만 명이다 [2]."), Support::kUnsupported);  // another passage
  EXPECT_EQ(support("고래는 바다에서 사는 포유류이다 [1]."), Support::kUnsupported);
  EXPECT_EQ(support("It was completed in 1899 [2]."), Support::kUnsupported);
  EXPECT_EQ(support("Visitors may climb the spire [2]."), Support::kWeak);  // "not" is gone
  EXPECT_EQ(support("서울은 대한민국의 수도가 아니다 [1]."), Support::kWeak);
  EXPECT_EQ(support("Visitors may not climb the spire [2]."), Support::kSupported);
}

TEST_F(CitationsTest, AnAnswerWithoutCitationsGetsThem) {
  std::string answer =
      "서울 지하철은 1974년에 개통되었다. 달은 치즈로 되어 있다. Gustave Eiffel completed it in "
      "1889.";
  const std::vector<Citation> citations = assign_citations(evidence_, answer);
  EXPECT_EQ(
      answer,
      "서울 지하철은 1974년에 개통되었다. [1] 달은 치즈로 되어 있다. Gustave Eiffel completed "
      "it in 1889. [2]");
  ASSERT_EQ(citations.size(), 2U);
  EXPECT_TRUE(citations[0].assigned);
  EXPECT_EQ(answer.substr(citations[1].begin, citations[1].end - citations[1].begin),
            "Gustave Eiffel completed it in 1889.");
  // Found again in the text that was made.
  EXPECT_EQ(check_citations(evidence_, answer).size(), 2U);
}

}  // namespace
}  // namespace onmal

#include "knowledge/analyzer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/unicode.h"

namespace onmal {
namespace {

using testing::Contains;
using testing::Not;

std::vector<std::string> terms_of(std::string_view text) {
  std::vector<std::string> terms;
  Analyzer().analyze(text, [&](const Term& term) { terms.push_back(term.text); });
  return terms;
}

TEST(Analyzer, ANounIsFoundWhateverParticleItCarries) {
  for (const char* word :
       {"학교",       "학교는",   "학교가",   "학교를",   "학교에",     "학교에서", "학교에서는",
        "학교로",     "학교의",   "학교와",   "학교도",   "학교만",     "학교까지", "학교부터",
        "학교입니다", "학교였다", "학교라는", "학교보다", "학교에서만", "학교들이"})
    EXPECT_THAT(terms_of(word), Contains("학교")) << word;
  for (const char* word :
       {"서울은", "서울이", "서울을", "서울로", "서울에서도", "서울과", "서울이다"})
    EXPECT_THAT(terms_of(word), Contains("서울")) << word;
}

TEST(Analyzer, VerbsMadeOfNounsGiveTheNoun) {
  for (const char* word : {"연구했습니다", "연구하는", "연구된", "연구하고", "연구되었다", "연구한",
                           "연구할", "연구합니다", "연구하였으며", "연구해서"})
    EXPECT_EQ(terms_of(word), std::vector<std::string>{"연구"}) << word;
}

TEST(Analyzer, FormsOfAVerbShareATerm) {
  for (const char* word : {"먹었다", "먹는", "먹고", "먹으면", "먹습니다", "먹어서"})
    EXPECT_THAT(terms_of(word), Contains("먹")) << word;
  for (const char* word : {"키웠다", "키우는", "키우고", "키웠습니다"})
    EXPECT_THAT(terms_of(word), Contains("키우")) << word;
}

TEST(Analyzer, WhatLooksLikeAParticleStaysPartOfShortNouns) {
  for (const char* word : {"가을", "아이", "국가", "마을", "나이", "사과", "나무", "도로"})
    EXPECT_THAT(terms_of(word), Contains(word)) << word;
}

TEST(Analyzer, CompoundsAreFoundByTheirParts) {
  EXPECT_THAT(terms_of("자연어처리는"), testing::IsSupersetOf({"자연", "처리", "자연어처리"}));
}

TEST(Analyzer, ForeignWordsNumbersAndTheirParticles) {
  EXPECT_EQ(terms_of("API를"), std::vector<std::string>{"api"});
  EXPECT_EQ(terms_of("GPU입니다"), std::vector<std::string>{"gpu"});
  EXPECT_EQ(terms_of("1,234,567"), std::vector<std::string>{"1234567"});
  EXPECT_EQ(terms_of("2023년에는"), (std::vector<std::string>{"2023", "년"}));
  EXPECT_EQ(terms_of("running Cafés"), (std::vector<std::string>{"run", "cafe"}));
  EXPECT_EQ(terms_of("getUserName"),
            (std::vector<std::string>{"getusernam", "get", "user", "name"}));
}

TEST(Analyzer, WritingFormsAreTheSame) {
  const std::string text = "한국어를 검색합니다 Ａｐｉ １２３ café";
  EXPECT_EQ(terms_of(text), terms_of(normalize_unicode(text, NormalForm::kNfd)));
  EXPECT_EQ(terms_of("Ａｐｉ １２３"), terms_of("Api 123"));
}

TEST(Analyzer, PlacesPointIntoTheText) {
  const std::string text = "서울에서 API를 봅니다.";
  size_t seen = 0;
  Analyzer().analyze(text, [&](const Term& term) {
    const std::string there = text.substr(term.begin, term.end - term.begin);
    if (term.text == "서울") {
      EXPECT_EQ(there, "서울");
      ++seen;
    } else if (term.text == "api") {
      EXPECT_EQ(there, "API");
      ++seen;
    }
  });
  EXPECT_EQ(seen, 2U);
}

TEST(Analyzer, AnyBytesAreTaken) {
  EXPECT_THAT(terms_of("\xFF\xEA\xB0 가나\x80"), Contains("가나"));
  EXPECT_TRUE(terms_of("").empty());
  EXPECT_TRUE(terms_of(" .,!?\n").empty());
  EXPECT_THAT(terms_of(std::string(500, 'a')), Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace onmal

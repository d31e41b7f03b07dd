#include "corpus/clean/quality.h"

#include <gtest/gtest.h>

#include <array>

#include "base/rng.h"
#include "base/timer.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::string_view kProse =
    "지난주에 새로 생긴 도서관에 다녀왔습니다. 생각보다 넓고 조용해서 오래 머물렀어요. 다음에는 "
    "친구와 함께 가려고 합니다.\n창가 자리에서는 강이 보이고, 어린이 자료실은 따로 있습니다.\n";

std::string rule_of(std::string_view text, Language language = Language::kKorean) {
  const QualityOutcome outcome = QualityJudge().judge(text, language);
  return outcome.dropped ? std::string(quality_rule_name(*outcome.dropped)) : "";
}

std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Quality, KeepsProse) {
  EXPECT_EQ(rule_of(kProse), "");
  EXPECT_EQ(rule_of("The library by the river opened last week. It is larger than it looks, and it "
                    "has a room for children.",
                    Language::kEnglish),
            "");
}

TEST(Quality, NamesTheRuleThatDrops) {
  EXPECT_EQ(rule_of("짧다."), "too_short");
  EXPECT_EQ(rule_of(std::string(kProse) + repeat("\uFFFD", 5)), "broken_encoding");
  EXPECT_EQ(rule_of("ì•ˆë…•í•˜ì„¸ìš” ì €ëŠ” ê¹€ì² ìˆ˜ìž…ë‹ˆë‹¤"), "mojibake");
  EXPECT_EQ(rule_of("아니 이거 진짜 너무 웃기다 ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ ㅠㅠㅠㅠ 어떡해"),
            "jamo_spam");
  EXPECT_EQ(rule_of("가격 12000 15000 18000 재고 30 45 60 번호 1001 1002 1003"), "digits");
  EXPECT_EQ(rule_of("띄어쓰기가전혀없는글은읽기가어렵고무슨말인지알수가없습니다그렇지요"),
            "word_length");
  EXPECT_EQ(rule_of(repeat(kProse, 5)), "repeated_lines");
  std::string stuffed;
  for (uint32_t i = 0; i < 60; ++i) {
    stuffed += "대출 ";
    append_utf8(0xAC00 + i * 97, stuffed);
    stuffed += "와 ";
    append_utf8(0xAC00 + i * 61 + 5, stuffed);
    stuffed += "는 좋다. ";
  }
  EXPECT_EQ(rule_of(stuffed), "stuffing");
  EXPECT_EQ(
      rule_of("Red shoes blue shoes cheap shoes buy shoes best shoes store shoes online shoes "
              "price shoes deals.",
              Language::kEnglish),
      "few_function_words");
}

TEST(Quality, RepeatedPhrasesWithinALine) {
  // Each phrase twice: none is frequent, but all that is said is said again.
  std::string text;
  for (int i = 0; i < 12; ++i) {
    constexpr std::array kPhrases = {
        "이 제품은 누구나 쉽게 쓸 수 있고 매우 튼튼하게 만들어진 좋은 물건입니다. ",
        "어제 저녁 강가에서 만난 사람들은 오래된 노래를 함께 불렀습니다. ",
        "도서관 앞 나무가 가을이 되자 노랗게 물들어 아름다웠습니다. ",
        "아침마다 빵집에서는 고소한 냄새가 골목 끝까지 퍼져 나갑니다. ",
        "새로 생긴 다리 덕분에 두 마을을 오가기가 무척 편해졌습니다. ",
        "눈이 많이 내린 날에는 버스가 늦게 와서 모두 걸어 다녔습니다. "};
    text += kPhrases[static_cast<size_t>(i) % kPhrases.size()];
  }
  EXPECT_EQ(rule_of(text), "repeated_grams");
}

TEST(Quality, CutsBoilerplateLinesByName) {
  const std::string text = "홈 > 뉴스 > 정치\n홍길동 기자 hong@news.example.kr\n" +
                           std::string(kProse) +
                           "ㅋㅋㅋㅋㅋ\n이 웹사이트는 쿠키를 사용합니다.\n페이스북 공유\n<저작권자 "
                           "ⓒ 한빛일보, 무단 전재 "
                           "및 재배포 금지>\n";
  const QualityOutcome outcome = QualityJudge().judge(text, Language::kKorean);
  std::vector<std::string> names;
  for (const QualityCut& cut : outcome.cuts) names.emplace_back(quality_rule_name(cut.rule));
  EXPECT_EQ(names, (std::vector<std::string>{"navigation_line", "byline_line", "jamo_line",
                                             "cookie_line", "subscribe_line", "copyright_line"}));
  EXPECT_EQ(outcome.cuts[2].first_line, 4U);
  EXPECT_FALSE(outcome.dropped);
  EXPECT_EQ(apply_cuts(text, outcome.cuts), kProse);
}

TEST(Quality, CutsMenusAndEnglishBoilerplate) {
  const std::string prose =
      "The library by the river opened last week, and it is larger than it looks.\n";
  const std::string text =
      "Home\nNews\nSports\nWeather\nOpinion\nVideo\nPhotos\nArchive\n" + prose +
      "We use cookies to improve your visit\nBy Ida Wren\nSubscribe to our newsletter\n"
      "Copyright © 2024 Onmal. All rights reserved.\n";
  const QualityOutcome outcome = QualityJudge().judge(text, Language::kEnglish);
  EXPECT_EQ(apply_cuts(text, outcome.cuts), prose);
  ASSERT_FALSE(outcome.cuts.empty());
  EXPECT_EQ(outcome.cuts[0].rule, QualityRule::kMenuLines);
  EXPECT_EQ(outcome.cuts[0].last_line, 7U);
}

TEST(Quality, KeepsTablesAndTextAboutCookies) {
  const std::string text = std::string(kProse) +
                           "이름 | 나이 | 사는 곳\n--- | --- | ---\n서버는 HTTP 쿠키를 사용합니다. "
                           "이 값은 브라우저가 보관합니다.\n";
  EXPECT_TRUE(QualityJudge().judge(text, Language::kKorean).cuts.empty());
}

TEST(Quality, DecomposedTextIsJudgedAlike) {
  const std::string text =
      "홈 > 뉴스 > 정치\n" + std::string(kProse) + "무단 전재 및 재배포 금지\n";
  const std::string decomposed = normalize_unicode(text, NormalForm::kNfd);
  const QualityOutcome a = QualityJudge().judge(text, Language::kKorean);
  const QualityOutcome b = QualityJudge().judge(decomposed, Language::kKorean);
  EXPECT_EQ(a.dropped, b.dropped);
  EXPECT_EQ(normalize_unicode(apply_cuts(decomposed, b.cuts), NormalForm::kNfc),
            apply_cuts(text, a.cuts));
  EXPECT_EQ(a.cuts.size(), 2U);
}

TEST(Quality, OneJudgeGivesTheSameAgain) {
  QualityJudge judge;
  const std::string repeated = repeat(kProse, 5);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(judge.judge(kProse, Language::kKorean).dropped);
    EXPECT_EQ(judge.judge(repeated, Language::kKorean).dropped, QualityRule::kRepeatedLines);
  }
}

TEST(Quality, AnyBytesInLinearTime) {
  EXPECT_EQ(rule_of(""), "too_short");
  Rng rng(9);
  std::string noise(1 << 16, ' ');
  for (char& c : noise) c = static_cast<char>(rng.next());
  EXPECT_EQ(rule_of(noise), "broken_encoding");
  for (const std::string_view unit : {"a", "\n", "가나 ", ". ", "|", "ㅋ", "ab cd\n"}) {
    std::string text;
    while (text.size() < 4'000'000) text += unit;
    const Timer timer;
    rule_of(text);
    EXPECT_LT(timer.seconds(), 8.0) << unit;
  }
}

}  // namespace
}  // namespace onmal

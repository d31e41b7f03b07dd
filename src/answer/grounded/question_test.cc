#include "answer/grounded/question.h"

#include <gtest/gtest.h>

#include "text/unicode.h"

namespace onmal {
namespace {

TEST(Question, KindsInBothLanguages) {
  using Kind = QuestionKind;
  EXPECT_EQ(question_kind("훈민정음은 누가 만들었나요?"), Kind::kPerson);
  EXPECT_EQ(question_kind("회의는 언제입니까?"), Kind::kDate);
  EXPECT_EQ(question_kind("몇 년에 설립되었나?"), Kind::kDate);
  EXPECT_EQ(question_kind("직원은 몇 명인가?"), Kind::kNumber);
  EXPECT_EQ(question_kind("가격이 얼마야?"), Kind::kNumber);
  EXPECT_EQ(question_kind("본사는 어디에 있어?"), Kind::kPlace);
  EXPECT_EQ(question_kind("이 제품의 장점은?"), Kind::kOther);
  EXPECT_EQ(question_kind("Who wrote it?"), Kind::kPerson);
  EXPECT_EQ(question_kind("When was it built?"), Kind::kDate);
  EXPECT_EQ(question_kind("How many people live there?"), Kind::kNumber);
  EXPECT_EQ(question_kind("Where is the office?"), Kind::kPlace);
  EXPECT_EQ(question_kind("What is the whole story?"), Kind::kOther);
}

TEST(Question, SentencesHoldWhatIsAskedFor) {
  using Kind = QuestionKind;
  EXPECT_TRUE(holds_kind("직원은 120명이다.", Kind::kNumber, "직원은 몇 명인가?"));
  EXPECT_FALSE(holds_kind("2층 직원은 많다.", Kind::kNumber, "2층 직원은 몇 명인가?"));
  EXPECT_TRUE(holds_kind("1443년에 창제되었다.", Kind::kDate, "언제?"));
  EXPECT_FALSE(holds_kind("백성을 위해 창제되었다.", Kind::kDate, "언제?"));
  EXPECT_TRUE(holds_kind("It was built in May 1987.", Kind::kDate, "When was it built?"));
  EXPECT_TRUE(holds_kind("It was written by Mary Shelley.", Kind::kPerson, "Who wrote it?"));
  EXPECT_FALSE(holds_kind("It was written quickly.", Kind::kPerson, "Who wrote it?"));
  EXPECT_TRUE(holds_kind("세종대왕이 만들었다.", Kind::kPerson, "누가 만들었나?"));
  EXPECT_TRUE(holds_kind("본사는 대전시에 있다.", Kind::kPlace, "본사는 어디?"));
}

TEST(Question, WhatNeedsNoDocuments) {
  for (const char* question : {"안녕하세요!",
                               "안녕 ㅎㅎ",
                               "고마워요",
                               "감사합니다 ^^",
                               "Hi there!",
                               "Thank you",
                               "ㅋㅋㅋ",
                               "너는 누구야?",
                               "당신의 이름은 무엇인가요?",
                               "넌 뭘 할 수 있어?",
                               "Who are you?",
                               "What can you do?",
                               "3 + 4 * 2",
                               "12 곱하기 3은?",
                               "What is 17 times 23?",
                               "128/4는 얼마야?",
                               "5-3",
                               "9 - 2 - 1 = ?",
                               "다음 문장을 영어로 번역해 줘: 나는 학교에 간다.",
                               "이 문장 맞춤법 고쳐줘\n나는 학교에 갔읍니다",
                               "Translate this sentence: I go home.",
                               "Summarize the following text: The cat sat down."})
    EXPECT_FALSE(needs_lookup(question)) << question;
}

TEST(Question, WhatNeedsThem) {
  for (const char* question :
       {"훈민정음은 누가 만들었나요?", "2023년 매출은 얼마야?",
        "안녕하세요 라는 인사는 언제 생겼나요?", "보고서를 요약해 줘", "회사의 이름은 무엇인가요?",
        "Who are the founders of the company?", "What is the name of the CEO?",
        "How many days of leave in 2024?", "번역 비용은 얼마인가요?", "Who translated the book?",
        "GDP?", "비?", "010-1234-5678", "2024-05-01", "WHO",
        "번역 프로그램 설치 방법: 어떻게 하나요?", "What is the correct procedure: A or B please?",
        "1층과 2층 중 어디가 넓어?", "Summarize the 2023 report"})
    EXPECT_TRUE(needs_lookup(question)) << question;
}

TEST(Question, TopicsHaveNoEndings) {
  EXPECT_EQ(question_topic("서울의 인구는 몇 명인가요?"), "서울의 인구는 몇 명");
  EXPECT_EQ(question_topic("누가 만들었습니까? 그리고 언제인가요"), "누가 만들었다 그리고 언제");
  EXPECT_EQ(question_topic("인가요?"), "인가요");
  EXPECT_EQ(question_topic("How many people?"), "How many people");
  EXPECT_EQ(question_topic("나요 마을의 인구"), "나요 마을의 인구");
  EXPECT_EQ(question_topic(normalize_unicode("몇 명인가요?", NormalForm::kNfd)), "몇 명");
}

TEST(Question, DecomposedTextIsTheSame) {
  for (const char* question : {"안녕하세요!", "너는 누구야?", "훈민정음은 누가 만들었나요?",
                               "12 곱하기 3은?", "본사는 어디에 있어?"}) {
    const std::string nfd = normalize_unicode(question, NormalForm::kNfd);
    ASSERT_NE(nfd, question);
    EXPECT_EQ(needs_lookup(nfd), needs_lookup(question)) << question;
    EXPECT_EQ(question_kind(nfd), question_kind(question)) << question;
    EXPECT_EQ(answer_language(nfd), "ko") << question;
  }
  EXPECT_EQ(answer_language("Where is it?"), "en");
}

}  // namespace
}  // namespace onmal

#include "text/sentences.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace onmal {
namespace {

using Strings = std::vector<std::string>;

Strings sentences(std::string_view text) {
  Strings found;
  for (const TextSpan& span : split_sentences(text)) found.emplace_back(span.in(text));
  return found;
}

TEST(Sentences, KoreanEndings) {
  EXPECT_EQ(sentences("오늘은 날씨가 좋다. 산책을 갈까요? 네, 가죠! 그래"),
            (Strings{"오늘은 날씨가 좋다.", "산책을 갈까요?", "네, 가죠!", "그래"}));
  EXPECT_EQ(sentences("정말요?! 그렇군요… 알겠습니다."),
            (Strings{"정말요?!", "그렇군요…", "알겠습니다."}));
  EXPECT_EQ(sentences("글쎄... 잘 모르겠어요."), (Strings{"글쎄... 잘 모르겠어요."}));
}

TEST(Sentences, WithoutSpaceBehindAnEnding) {
  EXPECT_EQ(sentences("비가 왔다.그래서 집에 있었다.정말요?네."),
            (Strings{"비가 왔다.", "그래서 집에 있었다.", "정말요?", "네."}));
  EXPECT_EQ(sentences("가.나.다 순서로 적는다."), (Strings{"가.나.다 순서로 적는다."}));
}

TEST(Sentences, Laughter) {
  EXPECT_EQ(sentences("진짜 웃기다 ㅋㅋㅋ 나도 볼래"),
            (Strings{"진짜 웃기다 ㅋㅋㅋ", "나도 볼래"}));
  EXPECT_EQ(sentences("슬프다. ㅠㅠ 다시 보자"), (Strings{"슬프다. ㅠㅠ", "다시 보자"}));
  EXPECT_EQ(sentences("ㅋㅋ 그래"), (Strings{"ㅋㅋ 그래"}));
}

TEST(Sentences, QuotationsAndBrackets) {
  EXPECT_EQ(sentences("그는 \"안녕. 반갑다.\"라고 말했다. 나도 인사했다."),
            (Strings{"그는 \"안녕. 반갑다.\"라고 말했다.", "나도 인사했다."}));
  EXPECT_EQ(sentences("“가자!” 하고 외쳤다. “그래.” 모두 일어났다."),
            (Strings{"“가자!” 하고 외쳤다.", "“그래.”", "모두 일어났다."}));
  EXPECT_EQ(sentences("결과(그림 1. 참조)는 좋다. 끝."),
            (Strings{"결과(그림 1. 참조)는 좋다.", "끝."}));
  EXPECT_EQ(sentences("\"Stop!\" he said. It's over."),
            (Strings{"\"Stop!\" he said.", "It's over."}));
  EXPECT_EQ(sentences("He left (at last.) She stayed."),
            (Strings{"He left (at last.)", "She stayed."}));
}

TEST(Sentences, NumbersDatesAndAddresses) {
  EXPECT_EQ(sentences("값은 3.14이다. 2024. 3. 5.에 정했다. 버전 1.2.3을 쓴다."),
            (Strings{"값은 3.14이다.", "2024. 3. 5.에 정했다.", "버전 1.2.3을 쓴다."}));
  EXPECT_EQ(sentences("https://www.example.com/a.html?b=c 를 보세요. a.b@c.kr 로 쓰세요."),
            (Strings{"https://www.example.com/a.html?b=c 를 보세요.", "a.b@c.kr 로 쓰세요."}));
}

TEST(Sentences, EnglishAbbreviations) {
  EXPECT_EQ(sentences("Dr. Kim met J. Smith at 5 p.m. on Monday. They talked, e.g. about tea."),
            (Strings{"Dr. Kim met J. Smith at 5 p.m. on Monday.", "They talked, e.g. about tea."}));
  EXPECT_EQ(sentences("We sell tea, etc. Please come. See Fig. 3 for more."),
            (Strings{"We sell tea, etc.", "Please come.", "See Fig. 3 for more."}));
  EXPECT_EQ(sentences("I like it. you do not"), (Strings{"I like it. you do not"}));
}

TEST(Sentences, LinesAndLists) {
  EXPECT_EQ(sentences("# 제목\n\n- 첫째 항목\n- 둘째. 그리고 셋째\n1. 하나\n가. 둘\n(3) 셋\n② 넷"),
            (Strings{"제목", "첫째 항목", "둘째.", "그리고 셋째", "하나", "둘", "셋", "넷"}));
  EXPECT_EQ(sentences("this line is\nwrapped. Next one\nNew"),
            (Strings{"this line is\nwrapped.", "Next one", "New"}));
  EXPECT_EQ(sentences("하나다.\n끝.\n네.\n-\n다섯"),
            (Strings{"하나다.", "끝.", "네.", "-", "다섯"}));  // no markers
  EXPECT_EQ(sentences("네. 알겠어요."), (Strings{"네.", "알겠어요."}));
  EXPECT_EQ(sentences("2024. 3. 5. 눈이 왔다."), (Strings{"2024. 3. 5. 눈이 왔다."}));
}

TEST(Sentences, SpansAreOrderedAndLoseNothing) {
  const std::string text =
      "  가나다. \xFF\xFE 라마바?\n\n\t- 사아자 ㅋㅋ!!  차카\r\n\"열린 채로. 끝";
  size_t last = 0;
  std::string kept;
  for (const TextSpan& span : split_sentences(text)) {
    EXPECT_LE(last, span.begin);
    EXPECT_LT(span.begin, span.end);
    kept += span.in(text);
    last = span.end;
  }
  std::string wanted;
  for (const char c : text) {
    if (std::string_view(" \t\r\n-").find(c) == std::string_view::npos) wanted += c;
  }
  std::erase_if(kept, [](char c) { return c == ' '; });
  EXPECT_EQ(kept, wanted);
  EXPECT_TRUE(split_sentences("").empty());
  EXPECT_TRUE(split_sentences(" \n\t ").empty());
}

}  // namespace
}  // namespace onmal

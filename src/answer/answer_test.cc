#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "answer/ask.h"
#include "answer/correct.h"
#include "answer/extract.h"
#include "answer/pieces.h"
#include "answer/summarize.h"
#include "answer/translate.h"
#include "base/error.h"
#include "base/file.h"

namespace onmal {
namespace {

// Writes what a function makes of the text; a token is a byte.
class FakeModel : public TaskModel {
 public:
  using Write = std::function<std::string(const TaskPrompt&)>;
  explicit FakeModel(Write body, int64_t room = 1000, bool instructed = true)
      : write_(std::move(body)), room_(room), instructed_(instructed) {}

  const ModelName& name() const override { return name_; }
  bool is_instructed() const override { return instructed_; }
  int64_t count_tokens(std::string_view text) const override {
    return static_cast<int64_t>(text.size());
  }
  int64_t room(const TaskPrompt&) const override { return room_; }
  bool has_piece(std::string_view piece) const override { return piece == "<2en>"; }
  using TaskModel::write;
  WrittenText write(const TaskPrompt& prompt, FunctionRef<void(std::string_view)> on_text,
                    const std::stop_token&) override {
    asked.push_back(prompt);
    // The history is the caller's and may be gone when the test looks.
    asked.back().history = {};
    EXPECT_LE(count_tokens(prompt.text) + (instructed_ ? prompt.max_tokens : 0), room_);
    const std::string text = write_(prompt);
    on_text(text);
    return {text, count_tokens(prompt.text), count_tokens(text), finished};
  }

  std::vector<TaskPrompt> asked;
  bool finished = true;

 private:
  Write write_;
  int64_t room_;
  bool instructed_;
  ModelName name_{"fake", "fake", "instruct"};
};

const auto ignore = [](size_t, size_t) {};

std::string error_text(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Pieces, EverythingBetweenPartsStays) {
  const std::string text =
      "# 제목\n\n- 첫째. 둘째 문장.\n  1. 셋째\n\n```\ncode 한글.\n```\n\n123\n끝.\n";
  const auto all = [](std::string_view) { return true; };
  const std::vector<TextSpan> parts = cut_into_parts(text, all);
  std::vector<std::string> texts;
  for (const TextSpan& part : parts) texts.emplace_back(part.in(text));
  EXPECT_EQ(texts, (std::vector<std::string>{"제목", "첫째. 둘째 문장.", "셋째", "끝."}));
  EXPECT_EQ(replace_parts(text, parts, {"A", "B", "C", "D"}),
            "# A\n\n- B\n  1. C\n\n```\ncode 한글.\n```\n\n123\nD\n");
}

TEST(Pieces, PartsFitAndLoseNoWord) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "이것은 " + std::to_string(i) + "번째 문장이고, 꽤 길다. ";
  text += "띄어쓰기없이아주길게이어지는문장이라서어디에서도자를수없는것처럼보이는문장";
  for (const size_t most : {3U, 10U, 50U, 200U}) {
    const std::vector<TextSpan> parts =
        cut_into_parts(text, [&](std::string_view part) { return part.size() <= most; });
    std::string kept;
    for (const TextSpan& part : parts) {
      EXPECT_LE(part.end - part.begin, most);
      kept += part.in(text);
    }
    std::string wanted = text;
    std::erase(wanted, ' ');
    std::erase(kept, ' ');
    // A part without a letter ("39") is kept where it stands.
    if (most >= 50) {
      EXPECT_EQ(kept, wanted) << most;
    }
  }
}

TEST(Pieces, FixedParts) {
  const std::string text = "값은 1,234.5원이고 `a+b`는 https://a.kr/x?y=1. 메일 a.b@c.kr, 2024년";
  const std::vector<FixedPart> parts = find_fixed_parts(text);
  using Kind = FixedPart::Kind;
  EXPECT_EQ(parts, (std::vector<FixedPart>{{Kind::kNumber, "1234.5"},
                                           {Kind::kCode, "`a+b`"},
                                           {Kind::kAddress, "https://a.kr/x?y=1"},
                                           {Kind::kAddress, "a.b@c.kr"},
                                           {Kind::kNumber, "2024"}}));
  EXPECT_TRUE(find_lost_parts(text, "2024: `a+b` a.b@c.kr 1234.5 https://a.kr/x?y=1").empty());
  EXPECT_EQ(find_lost_parts("1과 1", "1"), (std::vector<FixedPart>{{Kind::kNumber, "1"}}));
}

TEST(Translate, LanguagesByScriptAndName) {
  EXPECT_EQ(detect_language("안녕하세요, Python 3입니다"), "ko");
  EXPECT_EQ(detect_language("Hello 안 world this is English text"), "en");
  EXPECT_EQ(detect_language("これは日本語です"), "ja");
  EXPECT_EQ(detect_language("这是中文"), "zh");
  EXPECT_EQ(detect_language("Привет, мир"), "ru");
  EXPECT_EQ(detect_language("123 !!"), "");
  EXPECT_EQ(language_code("Korean"), "ko");
  EXPECT_EQ(language_code("KO"), "ko");
  EXPECT_EQ(language_code("Klingon"), "klingon");
  EXPECT_EQ(language_name("fr"), "French");
}

TEST(Translate, PartByPartWithLinesKept) {
  FakeModel model([](const TaskPrompt& prompt) { return "<" + prompt.text + ">"; });
  const Translation result = translate_text(model, "- 하나.\n\n- 둘 2.\n", {}, ignore);
  EXPECT_EQ(result.text, "- <하나.>\n\n- <둘 2.>\n");
  EXPECT_EQ(result.from, "ko");
  EXPECT_EQ(result.to, "en");
  EXPECT_EQ(model.asked[0].prefix, "<2en> ");
  EXPECT_NE(model.asked[0].instruction.find("from Korean to English"), std::string::npos);
  EXPECT_TRUE(result.lost.empty());
}

TEST(Translate, WhatIsLostIsTold) {
  FakeModel model([](const TaskPrompt&) { return std::string("nothing\nat all"); });
  const Translation result =
      translate_text(model, "값은 5이다.\nhttps://a.kr 를 보라.", {}, ignore);
  ASSERT_EQ(result.lost.size(), 2U);
  EXPECT_EQ(result.lost[0].part.text, "5");
  EXPECT_EQ(result.lost[1].where, 1U);
  EXPECT_EQ(result.text, "nothing at all\nnothing at all");  // no new lines within a part
}

TEST(Translate, LongTextsFitTheContext) {
  FakeModel model([](const TaskPrompt& prompt) { return prompt.text; }, 200);
  std::string text;
  for (int i = 0; i < 50; ++i) text += "문장이 하나 더 있다. ";
  const Translation result = translate_text(model, text, {}, ignore);
  EXPECT_EQ(result.text, text);
  EXPECT_GT(result.parts, 10U);
}

TEST(Translate, Refusals) {
  FakeModel model([](const TaskPrompt& prompt) { return prompt.text; });
  const auto refused = [&](std::string_view text, const TranslateOptions& how = {}) {
    return error_text([&] { translate_text(model, text, how, ignore); });
  };
  EXPECT_NE(refused(" \n\t").find("empty"), std::string::npos);
  EXPECT_NE(refused("가나\xFF").find("byte 7 of the text is not UTF-8"), std::string::npos);
  TranslateOptions same;
  same.to = "Korean";
  EXPECT_NE(refused("안녕", same).find("Korean already"), std::string::npos);
}

TEST(Correct, EditsByWordWithOffsets) {
  FakeModel model([](const TaskPrompt& prompt) {
    return prompt.text == "그러면 안되요." ? "그러면 안 돼요." : prompt.text;
  });
  const std::string text = "- 좋아요.\n- 그러면 안되요.";
  const Correction result = correct_text(model, text, {}, ignore);
  EXPECT_EQ(result.text, "- 좋아요.\n- 그러면 안 돼요.");
  ASSERT_EQ(result.edits.size(), 1U);
  const CorrectionEdit& edit = result.edits[0];
  EXPECT_EQ(edit.from, "안되요.");
  EXPECT_EQ(edit.to, "안 돼요.");
  EXPECT_EQ(text.substr(edit.begin, edit.end - edit.begin), edit.from);
  EXPECT_EQ(edit.begin_character, 13U);
  EXPECT_EQ(edit.end_character, 17U);
  EXPECT_EQ(result.sentences, 2U);
}

TEST(Correct, GuardsDropWhatMayNotChange) {
  EXPECT_EQ(forbidden_change("3개", "4개"), "changes a number");
  EXPECT_EQ(forbidden_change("Kim은", "Kin은"), "changes a name");
  EXPECT_EQ(forbidden_change("https://a.kr/b", "https://a.kr/c"), "changes a URL");
  EXPECT_EQ(forbidden_change("`x=1`", "`x=2`"), "changes code");
  EXPECT_EQ(forbidden_change("dkssud", "안녕"), "");  // typed in the wrong language
  EXPECT_EQ(forbidden_change("dkssud", "한영"), "changes a name");
  EXPECT_EQ(forbidden_change("3 개", "3개"), "");
  FakeModel model([](const TaskPrompt& prompt) {
    return prompt.text == "10시에 됬다고 Lee가 말했다." ? "11시에 됐다고 Lee가 말했다."
                                                        : "전혀 다른 말입니다!";
  });
  const std::string text = "10시에 됬다고 Lee가 말했다. 짧은 문장이다.";
  const Correction result = correct_text(model, text, {}, ignore);
  EXPECT_EQ(result.text, "10시에 됐다고 Lee가 말했다. 짧은 문장이다.");
  EXPECT_EQ(result.edits.size(), 1U);
  ASSERT_GE(result.dropped.size(), 2U);
  EXPECT_EQ(result.dropped[0].reason, "changes a number");
  EXPECT_NE(result.dropped[1].reason.find("% of the sentence"), std::string::npos);
}

TEST(Correct, AnAnswerCutOffChangesNothing) {
  FakeModel model([](const TaskPrompt&) { return std::string("그러면"); });
  model.finished = false;
  const Correction result = correct_text(model, "그러면 안되요.", {}, ignore);
  EXPECT_EQ(result.text, "그러면 안되요.");
}

constexpr const char* kArticle =
    "오늘 아침에는 비가 조금 왔다. 시는 새 도서관을 짓는다고 밝혔다. 도서관은 강가의 공원 옆에 "
    "들어선다. 새 도서관에는 책 십만 권과 어린이 열람실이 생긴다. 점심은 맛있었다. 시는 도서관을 "
    "내년 봄에 연다.";

TEST(Extract, ChoosesTheSubjectAndSaysWhere) {
  const std::string text = kArticle;
  const std::vector<ExtractedSentence> chosen = extract_sentences(text, {2, 0});
  ASSERT_EQ(chosen.size(), 2U);
  for (const ExtractedSentence& sentence : chosen)
    EXPECT_NE(std::string(sentence.span.in(text)).find("도서관"), std::string::npos);
  EXPECT_LT(chosen[0].span.end, chosen[1].span.begin);
  double sum = 0;
  for (const ExtractedSentence& sentence : extract_sentences(text, {100, 0})) sum += sentence.score;
  EXPECT_NEAR(sum, 1.0, 1e-6);
}

TEST(Extract, LengthsRepetitionsAndEmptyTexts) {
  const std::string text = kArticle;
  size_t bytes = 0;
  for (const ExtractedSentence& sentence : extract_sentences(text, {0, 45}))
    bytes += sentence.span.end - sentence.span.begin;
  EXPECT_GT(bytes, 0U);
  EXPECT_LE(bytes, 45U * 3U);
  EXPECT_EQ(extract_sentences("같은 말이다. 같은 말이다. 같은 말이다.", {3, 0}).size(), 1U);
  EXPECT_TRUE(extract_sentences(" \n", {3, 0}).empty());
  std::string many;
  for (size_t i = 0; i < kMostRanked + 5; ++i) many += "문장 " + std::to_string(i) + " 끝이다.\n";
  EXPECT_EQ(extract_sentences(many, {1, 0}).size(), 1U);
  EXPECT_EQ(parse_summary_length("5").sentences, 5);
  EXPECT_EQ(parse_summary_length("300c").characters, 300);
  for (const char* bad : {"", "0", "-1", "5x", "c", "99999999999999999999"})
    EXPECT_THROW(parse_summary_length(bad), Error) << bad;
}

TEST(Summarize, ShortTextsAtOnceLongOnesInParts) {
  FakeModel model([](const TaskPrompt& prompt) { return prompt.text.substr(0, 12); }, 400);
  Summary summary = summarize_text(model, "짧은 글이다. 끝.", {}, ignore);
  EXPECT_EQ(summary.parts, 1U);
  EXPECT_NE(model.asked[0].instruction.find("at most 4 sentences, in Korean"), std::string::npos);
  std::string text;
  for (int i = 0; i < 100; ++i) text += "가나다 " + std::to_string(i) + "번이다. ";
  summary = summarize_text(model, text, {}, ignore);
  EXPECT_GT(summary.parts, 4U);
  EXPECT_GE(summary.rounds, 2);
  EXPECT_TRUE(summary.finished);
  SummarizeOptions small;
  small.most_tokens = 100;
  EXPECT_NE(error_text([&] { summarize_text(model, text, small, ignore); }).find("more than are"),
            std::string::npos);
}

TEST(Summarize, AModelThatDoesNotShortenComesToAnEnd) {
  FakeModel model([](const TaskPrompt& prompt) { return prompt.text + " 그리고 더."; }, 300);
  std::string text;
  for (int i = 0; i < 60; ++i) text += "가나다 " + std::to_string(i) + "번이다. ";
  const Summary summary = summarize_text(model, text, {}, ignore);
  EXPECT_FALSE(summary.finished);
}

TEST(Ask, HistoryAndSystem) {
  FakeModel model(
      [](const TaskPrompt& prompt) {
        return prompt.system + "/" + std::to_string(prompt.history.size()) + "/" + prompt.text;
      },
      2000);
  AskOptions how;
  how.system = "s";
  how.history = {{"user", "a"}, {"assistant", "b"}};
  std::string streamed;
  const WrittenText answer =
      ask_model(model, "q", how, [&](std::string_view part) { streamed += part; });
  EXPECT_EQ(answer.text, "s/2/q");
  EXPECT_EQ(streamed, answer.text);
  how.history = {{"tool", "a"}};
  EXPECT_THROW(ask_model(model, "q", how, [](std::string_view) {}), Error);
  how.history = {};
  EXPECT_THROW(ask_model(model, "", how, [](std::string_view) {}), Error);
}

}  // namespace
}  // namespace onmal

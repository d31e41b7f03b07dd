#include "corpus/clean/language.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/timer.h"
#include "text/unicode.h"

namespace onmal {
namespace {

TEST(LanguageOf, Prose) {
  EXPECT_EQ(paragraph_language("오늘은 날씨가 참 좋습니다."), Language::kKorean);
  EXPECT_EQ(paragraph_language("Visual Studio 2019에서 CMake Presets로 프로젝트를 빌드합니다."),
            Language::kKorean);
  EXPECT_EQ(paragraph_language("大韓民國은 民主共和國이다."), Language::kKorean);
  EXPECT_EQ(paragraph_language("The weather is nice, and so are you."), Language::kEnglish);
  EXPECT_EQ(paragraph_language("He said 안녕 to the whole class before he left."),
            Language::kEnglish);
  EXPECT_EQ(paragraph_language("今日はとても良い天気ですね。"), Language::kJapanese);
  EXPECT_EQ(paragraph_language("今天天气很好，我们去公园吧。"), Language::kChinese);
  EXPECT_EQ(paragraph_language("Das Wetter ist heute sehr schön und wir gehen spazieren."),
            Language::kOther);
  EXPECT_EQ(paragraph_language("Il fait beau aujourd'hui et nous allons nous promener."),
            Language::kOther);
  EXPECT_EQ(paragraph_language("Сегодня хорошая погода."), Language::kOther);
  EXPECT_EQ(paragraph_language("12,345 (67.8%) 2024-01-01"), Language::kNone);
  EXPECT_EQ(paragraph_language(""), Language::kNone);
}

TEST(LanguageOf, Code) {
  EXPECT_EQ(paragraph_language("for (int i = 0; i < n; ++i) {\n  total += values[i];\n}"),
            Language::kCode);
  EXPECT_EQ(
      paragraph_language("def add(a, b):\n    # 두 수를 더한 값을 돌려줍니다\n    return a + b"),
      Language::kCode);
  EXPECT_EQ(paragraph_language("print(\"안녕하세요, 반갑습니다\")"), Language::kCode);
  EXPECT_EQ(paragraph_language("<div class=\"row\">\n  <p>글</p>\n</div>"), Language::kCode);
  EXPECT_EQ(paragraph_language("# 시작하기\n이 문서는 처음 쓰는 분을 위한 것입니다."),
            Language::kKorean);
}

TEST(LanguageOf, DocumentsByTheirParagraphsAndFences) {
  const std::string text =
      "함수를 하나 만들어 봅시다. 아래와 같이 씁니다.\n\n```\nx = 1\n\n그냥 글\n```\n\nThe end is "
      "here.\n";
  const DocumentLanguage document = document_language(text);
  EXPECT_EQ(document.language, Language::kKorean);
  EXPECT_EQ(document.bytes[static_cast<size_t>(Language::kCode)],
            std::string("x = 1\n\n그냥 글\n").size());
  EXPECT_EQ(document.bytes[static_cast<size_t>(Language::kEnglish)],
            std::string("The end is here.\n").size());
  EXPECT_EQ(document_language("").language, Language::kNone);
}

TEST(LanguageOf, DecomposedTextIsTheSame) {
  for (const std::string text :
       {"Windows에서 PowerShell로 실행하면 됩니다", "ok 안녕", "간단한 글입니다."})
    EXPECT_EQ(paragraph_language(normalize_unicode(text, NormalForm::kNfd)),
              paragraph_language(text));
}

TEST(LanguageOf, AnyBytesInLinearTime) {
  Rng rng(5);
  std::string noise(1 << 16, ' ');
  for (char& c : noise) c = static_cast<char>(rng.next());
  document_language(noise);
  for (const std::string_view unit : {"\"", "a", "\n", "\" \\", "가", "'a"}) {
    std::string text;
    while (text.size() < 4'000'000) text += unit;
    const Timer timer;
    document_language(text);
    EXPECT_LT(timer.seconds(), 8.0) << unit;
  }
}

}  // namespace
}  // namespace onmal

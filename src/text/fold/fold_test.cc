#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "text/fold/jamo.h"
#include "text/fold/steps.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

using Step = MappedText (*)(const MappedText&);

MappedText squeeze(const MappedText& text) { return squeeze_repeats(text); }

std::string folded(Step step, const std::string& text) { return step(MappedText(text)).utf8(); }

TEST(FoldTest, EverySyllableIsItsParts) {
  for (char32_t code = 0xAC00; code <= 0xD7A3; ++code) {
    const Syllable parts = split_syllable(code);
    EXPECT_EQ(make_syllable(parts), code);
    std::string typed;
    append_utf8(jamo_of_initial(parts.initial), typed);
    append_utf8(jamo_of_vowel(parts.vowel), typed);
    int first = 0;
    int second = 0;
    const bool two = split_final(parts.final_part, first, second);
    if (parts.final_part > 0) append_utf8(jamo_of_final(first), typed);
    if (two) append_utf8(jamo_of_final(second), typed);
    std::string whole;
    append_utf8(code, whole);
    ASSERT_EQ(folded(compose_jamo, typed), whole);
    // In its conjoining parts, too.
    ASSERT_EQ(folded(fold_compatibility, normalize_unicode(whole, NormalForm::kNfd)), whole);
  }
}

TEST(FoldTest, CompatibilityForms) {
  EXPECT_EQ(folded(fold_compatibility, "ＡＢＣ①㈜"), "ABC1(주)");
  EXPECT_EQ(folded(fold_compatibility, "ｼｱ"), "シア");
  EXPECT_EQ(folded(fold_compatibility, "ﾡﾢﾾￜ"), "ㄱㄲㅎㅣ");
  EXPECT_EQ(folded(fold_compatibility, "e\xCC\x81"), "é");
  EXPECT_EQ(folded(fold_compatibility, "ㄱㅏ"), "ㄱㅏ");
}

TEST(FoldTest, InvisibleCharacters) {
  EXPECT_EQ(folded(drop_invisible, "시\u200B발\u2060 \u202Eab\u202C\uFEFF"), "시발 ab");
  EXPECT_EQ(folded(drop_invisible, "a\nb\tc"), "a\nb\tc");
  EXPECT_EQ(folded(drop_invisible, "가\u0336나\u0336"), "가나");
  EXPECT_EQ(folded(drop_invisible, "a\u0301\u0302\u0303\u0304"), "a\u0301\u0302");
}

TEST(FoldTest, JamoBecomeSyllables) {
  EXPECT_EQ(folded(compose_jamo, "ㅅㅣㅂㅏㄹ"), "시발");
  EXPECT_EQ(folded(compose_jamo, "시ㅂ 놈"), "십 놈");
  EXPECT_EQ(folded(compose_jamo, "시ㅂㅏㄹ"), "시발");
  EXPECT_EQ(folded(compose_jamo, "ㄱㅗㅏㄴ"), "관");
  EXPECT_EQ(folded(compose_jamo, "ㅋㅋㅋ ㅠㅠ"), "ㅋㅋㅋ ㅠㅠ");
  EXPECT_EQ(folded(compose_jamo, "ㅅㅂ"), "ㅅㅂ");
}

TEST(FoldTest, WhatIsWedgedBetweenGoes) {
  EXPECT_EQ(folded(drop_wedges, "시1발"), "시발");
  EXPECT_EQ(folded(drop_wedges, "병.신, 바-보"), "병신, 바보");
  EXPECT_EQ(folded(drop_wedges, "띄 어 쓰 기 하다"), "띄어쓰기 하다");
  EXPECT_EQ(folded(drop_wedges, "시발점은 18일 오후"), "시발점은 18일 오후");
  EXPECT_EQ(folded(drop_wedges, "제목: 다음"), "제목: 다음");
}

TEST(FoldTest, RepeatsAreShort) {
  EXPECT_EQ(folded(squeeze, "ㅋㅋㅋㅋㅋㅋ"), "ㅋㅋ");
  EXPECT_EQ(folded(squeeze, "시이이이발"), "시발");
  EXPECT_EQ(folded(squeeze, "100000"), "100000");
  EXPECT_EQ(folded(squeeze, "아이"), "아이");
}

TEST(FoldTest, Lookalikes) {
  EXPECT_EQ(folded(fold_lookalikes, "커엽다 댕댕이"), "귀엽다 멍멍이");
  EXPECT_EQ(folded(fold_lookalikes, "水상해"), "수상해");
  EXPECT_EQ(folded(fold_lookalikes, "水火"), "水火");
  EXPECT_EQ(folded(fold_lookalikes, "ㅅl발"), "ㅅㅣ발");
  EXPECT_EQ(folded(fold_lookalikes, "hello 1"), "hello 1");
  EXPECT_EQ(folded(fold_lookalikes, "раураl"), "paypal");
}

TEST(FoldTest, WordsThatSoundAlikeAreOne) {
  const auto same = [](const char* a, const char* b) {
    EXPECT_EQ(folded(sound_key, a), folded(sound_key, b)) << a << " " << b;
  };
  same("씹알", "씨발");
  same("씨팔", "시발");
  same("한꾹인", "한국인");
  same("왜", "외");
  same("게", "개");
  same("쟈", "자");
  same("빛", "빗");
  same("값이", "갑시");
  EXPECT_NE(folded(sound_key, "사랑"), folded(sound_key, "사람"));
  EXPECT_NE(folded(sound_key, "강"), folded(sound_key, "가"));
}

TEST(FoldTest, ConsonantSkeleton) {
  EXPECT_EQ(folded(consonant_skeleton, "시발 놈아"), "ㅅㅂ ㄴㅇ");
  EXPECT_EQ(folded(consonant_skeleton, "ㅅㅂ"), "ㅅㅂ");
}

TEST(FoldTest, CharactersKnowTheirBytes) {
  const std::string original = "아 ㅅ\u200Bㅣ1ㅂㅏㄹ!";
  MappedText text = drop_wedges(drop_invisible(fold_compatibility(MappedText(original))));
  text = compose_jamo(text);
  EXPECT_EQ(text.utf8(), "아 시발!");
  const SourceRange range = text.source(2, 4);
  EXPECT_EQ(original.substr(range.begin, range.end - range.begin), "ㅅ\u200Bㅣ1ㅂㅏㄹ");
}

// Whatever the text: sources lie within it and never run backwards, and every step ends.
TEST(FoldTest, SourcesRunForwardsOnRandomText) {
  constexpr Step kSteps[] = {fold_compatibility, drop_invisible, fold_case, fold_lookalikes,
                             compose_jamo,       drop_wedges,    squeeze,   sound_key,
                             consonant_skeleton};
  const std::vector<std::string> pieces = {
      "시",     "ㅅ",     "ㅣ",     "ㅏ", "1",    " ", ".",  "l",  "水", "댕", "\u200B", "\u1109",
      "\u1175", "\u11B8", "\u0301", "Ａ", "\xFF", "a", "씹", "값", "\n", "ﾡ",  "^",      "ㅄ"};
  Rng rng(9);
  for (int round = 0; round < 3000; ++round) {
    std::string original;
    for (uint64_t i = rng.below(20); i > 0; --i) original += pieces[rng.below(pieces.size())];
    MappedText text(original);
    for (int step = 0; step < 6; ++step) {
      text = kSteps[rng.below(std::size(kSteps))](text);
      uint32_t last_begin = 0;
      uint32_t last_end = 0;
      for (size_t i = 0; i < text.size(); ++i) {
        const SourceRange range = text.source(i);
        ASSERT_LT(range.begin, range.end) << original;
        ASSERT_LE(range.end, original.size()) << original;
        ASSERT_GE(range.begin, last_begin) << original;
        ASSERT_GE(range.end, last_end) << original;
        last_begin = range.begin;
        last_end = range.end;
      }
    }
  }
}

}  // namespace
}  // namespace onmal

#include "text/hangul_keyboard.h"

#include <gtest/gtest.h>

#include "text/utf8.h"

namespace onmal {
namespace {

TEST(HangulKeyboard, KeysOfTexts) {
  EXPECT_EQ(hangul_keys("안녕"), "dkssud");
  EXPECT_EQ(hangul_keys("값ㅋㅠ a!"), "rkqtzb a!");
  EXPECT_EQ(hangul_keys("꽤"), "Rho");
}

TEST(HangulKeyboard, TypingComposesAsAnInputMethodDoes) {
  EXPECT_EQ(type_hangul("dkssud"), "안녕");
  EXPECT_EQ(type_hangul("rkqtdl"), "값이");
  EXPECT_EQ(type_hangul("rkqtl"), "갑시");  // the ㅅ goes over
  EXPECT_EQ(type_hangul("dlTdj"), "있어");
  EXPECT_EQ(type_hangul("zzz"), "ㅋㅋㅋ");
  EXPECT_EQ(type_hangul("kk r"), "ㅏㅏ ㄱ");
  EXPECT_EQ(type_hangul("rE"), "ㄱㄸ");
  EXPECT_EQ(type_hangul("rkE"), "가ㄸ");     // ㄸ is no final consonant
  EXPECT_EQ(type_hangul("DKSSUD"), "안녕");  // shift without a meaning
}

TEST(HangulKeyboard, EverySyllableComesBack) {
  for (uint32_t code = 0xAC00; code <= 0xD7A3; ++code) {
    std::string syllable;
    append_utf8(code, syllable);
    ASSERT_EQ(type_hangul(hangul_keys(syllable)), syllable);
  }
}

TEST(HangulKeyboard, NeighboursAreMutual) {
  for (char key = 'a'; key <= 'z'; ++key) {
    for (const char near : neighbouring_keys(key))
      EXPECT_NE(neighbouring_keys(near).find(key), std::string_view::npos) << key << near;
  }
}

}  // namespace
}  // namespace onmal

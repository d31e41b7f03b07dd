#include "text/utf8.h"

#include <gtest/gtest.h>
#include <unicode/uchar.h>

#include "text/char_classes.h"
#include "text/hangul.h"

namespace onmal {
namespace {

TEST(Utf8Test, EveryCodePointSurvives) {
  for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(code, text);
    const Utf8Char c = read_utf8(text, 0);
    ASSERT_TRUE(c.valid);
    ASSERT_EQ(c.code, code);
    ASSERT_EQ(c.length, text.size());
    ASSERT_EQ(incomplete_tail(text), 0U);
    for (size_t cut = 1; cut < text.size(); ++cut)
      ASSERT_EQ(incomplete_tail(text.substr(0, cut)), cut);
  }
}

TEST(Utf8Test, RefusesWhatIsNotUtf8) {
  for (const char* bad : {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                          "\xFF", "\xEA\xB0"}) {
    EXPECT_FALSE(read_utf8(bad, 0).valid) << bad;
    EXPECT_EQ(find_invalid_utf8(std::string("가") + bad), 3U);
  }
  EXPECT_EQ(find_invalid_utf8("온말 is fine"), std::string_view::npos);
}

TEST(Utf8Test, Counts) {
  EXPECT_EQ(count_characters("온말 ok"), 5U);
  EXPECT_EQ(count_hangul_syllables("온말 ok ㅋㅋ"), 2U);
}

TEST(CharClassesTest, AgreeWithIcu) {
  const CharClasses classes;
  for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
    const auto c = static_cast<UChar32>(code);
    const CharClass expected = u_hasBinaryProperty(c, UCHAR_WHITE_SPACE) ? CharClass::kSpace
                               : (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0   ? CharClass::kLetter
                               : (U_GET_GC_MASK(c) & U_GC_N_MASK) != 0   ? CharClass::kNumber
                                                                         : CharClass::kOther;
    ASSERT_EQ(classes.of(code), expected) << code;
  }
}

}  // namespace
}  // namespace onmal

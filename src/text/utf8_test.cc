#include "text/utf8.h"

#include <gtest/gtest.h>
#include <unicode/uchar.h>

#include <array>

#include "base/rng.h"
#include "text/char_classes.h"
#include "text/hangul.h"
#include "text/utf8_runs.h"

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

// Any place in any mixture of Hangul, ASCII and others, whole and cut.
TEST(Utf8Test, RunsEndWhereReadingByCharactersEndsThem) {
  Rng rng(3);
  constexpr std::array<std::string_view, 9> kOthers = {
      "“", "é", "\xEA", "\xEC\x8F", "\x80", "\xEA\x80\x80", "\xED\xA0\x80", "\xED\x9F\xBB", "😀"};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    const uint64_t pieces = rng.below(70);
    const uint64_t odd = 3 + rng.below(60);
    for (uint64_t i = 0; i < pieces; ++i) {
      if (rng.below(odd) == 0)
        text += kOthers[rng.below(kOthers.size())];
      else if (rng.below(2) == 0)
        text += static_cast<char>(rng.below(128));
      else
        append_utf8(static_cast<uint32_t>(0xAC00 + rng.below(0x2B80)), text);
    }
    size_t end = rng.below(text.size() + 1);
    const size_t begin = end;
    while (end < text.size()) {
      const Utf8Char c = read_utf8(text, end);
      if (!c.valid || (c.code >= 0x80 && (c.code < 0xAC00 || c.code > 0xD77F))) break;
      end += c.length;
    }
    ASSERT_EQ(skip_ascii_and_hangul(text, begin), end) << text;
    size_t invalid = 0;
    size_t characters = 0;
    while (invalid < text.size() && read_utf8(text, invalid).valid)
      invalid += read_utf8(text, invalid).length;
    ASSERT_EQ(find_invalid_utf8(text), invalid < text.size() ? invalid : std::string::npos);
    for (const char c : text) characters += (static_cast<uint8_t>(c) & 0xC0) != 0x80 ? 1 : 0;
    ASSERT_EQ(count_characters(text), characters);
  }
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

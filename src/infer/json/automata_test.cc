// Patterns beside std::regex, number ranges beside arithmetic, on all short texts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <regex>

#include "base/error.h"
#include "infer/json/decimal.h"
#include "infer/json/regex.h"
#include "infer/json/string_forms.h"

namespace onmal::json {
namespace {

void for_all_texts(const std::string& alphabet, size_t longest,
                   const std::function<void(const std::string&)>& see) {
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size(); ++i) {
    see(texts[i]);
    if (texts[i].size() == longest) continue;
    for (const char c : alphabet) texts.push_back(texts[i] + c);
  }
}

TEST(StringPattern, FindsWhatEcmaRegexFinds) {
  for (const std::string pattern :
       {"",         "a",         "^a",     "a$",        "^a$",           "^$",        "^(ab)*$",
        "a|b$",     "^a|b",      "(a|b)0", "a{2}",      "^a{1,2}0?$",    "[^a]",      "^[a-b]+$",
        "\\d",      "^\\D*$",    "a.b",    "(a*)*b",    "(a|ab)(0|b0)$", "^(a?){3}$", "a*?b",
        "(?:a0)+$", "^\\w{2,}$", "$a",     "(^a|b$)0*", "(a$|b)0",       "^(a|^b)*$"}) {
    const std::regex expected(pattern, std::regex::ECMAScript);
    const Dfa automaton = compile_string_pattern(pattern, "test");
    const bool plain = pattern.find_first_of("^$") == std::string::npos && pattern != "";
    const Dfa whole = compile_plain_pattern(pattern.empty() ? "a" : pattern, "test");
    for_all_texts("ab0", 6, [&](const std::string& text) {
      EXPECT_EQ(automaton.matches(quoted_text(text)), std::regex_search(text, expected))
          << pattern << " on " << text;
      if (plain) {
        EXPECT_EQ(whole.matches(text), std::regex_match(text, expected))
            << pattern << " is " << text;
      }
    });
  }
}

TEST(StringPattern, ReadsUnicodeAndEscapes) {
  const auto finds = [](const std::string& pattern, const std::string& text) {
    return compile_string_pattern(pattern, "test").matches(quoted_text(text));
  };
  EXPECT_TRUE(finds("^[가-힣]{2}$", "한국"));
  EXPECT_FALSE(finds("^[가-힣]{2}$", "한k"));
  EXPECT_FALSE(finds("^[가-힣]{2}$", "한"));
  EXPECT_TRUE(finds("^.$", "😀"));
  EXPECT_FALSE(finds("^..$", "😀"));
  EXPECT_TRUE(finds("^\\u{1F600}$", "😀"));
  EXPECT_TRUE(finds("^\\ud83d\\ude00$", "😀"));
  EXPECT_TRUE(finds("^[^a]$", "\n"));
  EXPECT_FALSE(finds("^.$", "\n"));
  EXPECT_TRUE(finds("^\\n\"\\\\$", "\n\"\\"));
  EXPECT_TRUE(finds("^\\p{L}\\p{Script=Hangul}$", "é한"));
  EXPECT_FALSE(finds("\\P{L}", "é한"));
  EXPECT_TRUE(finds("^[\\x00-\\x1f]+$", std::string("\0\x1f", 2)));
}

TEST(StringPattern, SaysWhatItDoesNotKnow) {
  for (const std::string pattern : {"(?=a)", "(?<!a)", "\\bword", "(a)\\1", "\\p{Nonsense}", "\\q",
                                    "a{20000}", "(.*a.{30}b|c)"}) {
    try {
      compile_string_pattern(pattern, "here");
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << pattern;
      EXPECT_NE(std::string(error.what()).find("here"), std::string::npos);
    }
  }
  for (const std::string pattern : {"(", ")", "[", "a{2,1}", "*", "[b-a]", "\\u12", "a{", "\\"}) {
    EXPECT_THROW(compile_string_pattern(pattern, "here"), Error) << pattern;
  }
}

TEST(Formats, HaveTheirOwnForms) {
  const auto fits = [](const std::string& format, const std::string& text) {
    return compile_string_pattern(format_pattern(format), "test").matches(quoted_text(text));
  };
  EXPECT_TRUE(fits("date", "2024-02-29"));
  EXPECT_FALSE(fits("date", "2023-02-29"));
  EXPECT_FALSE(fits("date", "1900-02-29"));
  EXPECT_TRUE(fits("date", "2000-02-29"));
  EXPECT_FALSE(fits("date", "2023-04-31"));
  EXPECT_TRUE(fits("date-time", "2023-12-31T23:59:59+09:00"));
  EXPECT_FALSE(fits("time", "24:00:00Z"));
  EXPECT_TRUE(fits("ipv4", "255.0.10.1"));
  EXPECT_FALSE(fits("ipv4", "256.0.10.1"));
  EXPECT_TRUE(fits("email", "a.b@example.co.kr"));
  EXPECT_FALSE(fits("email", "a..b@example.com"));
  EXPECT_TRUE(fits("uuid", "123e4567-e89b-12d3-a456-426614174000"));
  EXPECT_EQ(format_pattern("color"), "");
}

TEST(FreeText, IsAllJsonStrings) {
  const Dfa text = make_free_text();
  for (const std::string good :
       {R"("")", R"("한국 \u00e9 \ud83d\ude00 \n\/")", "\"\xF4\x8F\xBF\xBF\""})
    EXPECT_TRUE(text.matches(good)) << good;
  for (const std::string bad :
       {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\x")", "\"\n\"", "\"\xED\xA0\x80\"",
        "\"\xC0\x80\"", "\"\xF4\x90\x80\x80\"", R"("\u12")", R"(")", R"("a"")"})
    EXPECT_FALSE(text.matches(bad)) << bad;
}

struct RangeCase {
  const char* low;   // "": none
  const char* high;  // likewise
  bool low_open, high_open, whole;
  int64_t multiple;
};

TEST(NumberRange, IsWhatArithmeticSays) {
  const std::vector<RangeCase> cases = {
      {"", "", false, false, true, 1},        {"0", "", false, false, true, 1},
      {"-12", "34", false, false, true, 1},   {"-12", "34", true, true, true, 1},
      {"5", "5", false, false, true, 1},      {"-3", "-3", false, false, true, 7},
      {"99", "101", false, false, true, 1},   {"", "-9", false, true, true, 1},
      {"-7", "19", false, false, true, 3},    {"", "", false, false, true, 12},
      {"1.5", "2.5", false, false, true, 1},  {"0.5", "1.25", false, false, false, 1},
      {"0.5", "1.25", true, true, false, 1},  {"-0.5", "0", false, true, false, 1},
      {"-1", "1", false, false, false, 1},    {"0", "", true, false, false, 1},
      {"9.9", "10.1", true, false, false, 1}, {"1e1", "2.5e1", false, false, true, 1},
  };
  for (const RangeCase& one : cases) {
    NumberLimits limits;
    if (*one.low != '\0') limits.low = read_decimal(one.low);
    if (*one.high != '\0') limits.high = read_decimal(one.high);
    limits.low_open = one.low_open;
    limits.high_open = one.high_open;
    limits.whole_only = one.whole;
    limits.multiple_of = one.multiple;
    limits.max_digits = 4;
    const Dfa automaton = make_number_range(limits, "test");
    const std::regex written(one.whole ? "0|-?[1-9]\\d*" : "-?(0|[1-9]\\d*)(\\.\\d+)?");
    for_all_texts("01259.-", 5, [&](const std::string& text) {
      bool expected = std::regex_match(text, written);
      if (expected) {
        const double value = std::stod(text);
        const double low = *one.low != '\0' ? std::stod(one.low) : -1e9;
        const double high = *one.high != '\0' ? std::stod(one.high) : 1e9;
        expected = (one.low_open ? value > low : value >= low) &&
                   (one.high_open ? value < high : value <= high) &&
                   !(text[0] == '-' && value == 0) &&
                   (!one.whole || std::fmod(value, static_cast<double>(one.multiple)) == 0);
        const auto digits =
            std::count_if(text.begin(), text.end(), [](char c) { return c >= '0'; });
        expected = expected && digits <= 4;
      }
      EXPECT_EQ(automaton.matches(text), expected)
          << text << " in " << one.low << " … " << one.high;
    });
  }
}

TEST(NumberRange, ReadsDecimals) {
  EXPECT_EQ(compare(*read_decimal("1e2"), *read_decimal("100")), 0);
  EXPECT_EQ(compare(*read_decimal("-0"), *read_decimal("0")), 0);
  EXPECT_EQ(compare(*read_decimal("-2"), *read_decimal("-1.5")), -1);
  EXPECT_EQ(compare(*read_decimal("12.5e-1"), *read_decimal("1.25")), 0);
  EXPECT_EQ(compare(*read_decimal("9223372036854775808"), *read_decimal("9223372036854775807")), 1);
  EXPECT_FALSE(read_decimal("1e999"));
}

}  // namespace
}  // namespace onmal::json

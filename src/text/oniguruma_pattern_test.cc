#include "text/oniguruma_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/pattern.h"
#include "text/utf8.h"

namespace onmal {
namespace {

bool matches(const Pattern& pattern, const std::string& text) {
  Pattern::Search search(pattern, text);
  const auto span = search.next(0);
  return span && *span == Pattern::Span(0, text.size());
}

std::vector<std::string> pieces(const Pattern& pattern, const std::string& text) {
  std::vector<std::string> found;
  Pattern::Search search(pattern, text);
  size_t at = 0;
  while (const auto span = search.next(at)) {
    found.push_back(text.substr(span->first, span->second - span->first));
    at = span->second;
  }
  return found;
}

// An intersection matches the characters that all of its classes match.
TEST(OnigurumaPatternTest, IntersectionsMatchWhatEachOfTheirClassesDoes) {
  struct Case {
    std::string whole;
    std::vector<std::string> classes;
  };
  const Case cases[] = {
      {R"([\p{Lu}\p{Lo}\p{M}&&[^\p{Han}]])", {R"([\p{Lu}\p{Lo}\p{M}])", R"([^\p{Han}])"}},
      {R"([[a-z0-9]&&[^b-d]&&[\w]])", {"[a-z0-9]", "[^b-d]", R"([\w])"}},
      {R"([\[\]a-f&&[^\]]])", {R"([\[\]a-f])", R"([^\]])"}},
  };
  for (const Case& example : cases) {
    const Pattern whole(translate_oniguruma(example.whole, "test"), "test");
    std::vector<Pattern> parts;
    for (const std::string& part : example.classes)
      parts.emplace_back(translate_oniguruma(part, "test"), "test");
    for (char32_t code = 1; code < 0x30000; code += code < 0x1200 ? 1 : 7) {
      if (code >= 0xD800 && code < 0xE000) continue;
      std::string text;
      append_utf8(code, text);
      bool all = true;
      for (const Pattern& part : parts) all = all && matches(part, text);
      ASSERT_EQ(matches(whole, text), all) << example.whole << " at " << static_cast<int>(code);
    }
  }
}

// Kimi's way of cutting text: four intersections, which written out would pass the limit of 64 kB.
TEST(OnigurumaPatternTest, APatternOfManyIntersectionsStaysSmall) {
  const std::string upper = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])";
  const std::string lower = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])";
  const std::string word = R"([^\r\n\p{L}\p{N}]?)";
  const std::string shortened = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)";
  const std::string source = R"([\p{Han}]+|)" + word + upper + "*" + lower + "+" + shortened + "|" +
                             word + upper + "+" + lower + "*" + shortened +
                             R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const std::string translated = translate_oniguruma(source, "test");
  EXPECT_LT(translated.size(), 1000U);
  const Pattern pattern(translated, "test");
  EXPECT_EQ(pieces(pattern, "漢字HelloWorld'll don't 한국어漢 1234 ..."),
            (std::vector<std::string>{"漢字", "Hello", "World'll", " don't", " 한국어", "漢", " ",
                                      "123", "4", " ..."}));
}

TEST(OnigurumaPatternTest, APatternBeyondTheLimitIsRefusedWithItsSize) {
  try {
    const Pattern pattern(std::string(70000, 'a'), "test");
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("70000 bytes"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("65536"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace onmal

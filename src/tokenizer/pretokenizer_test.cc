#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pretokenizer.h"

#include <gtest/gtest.h>
#include <pcre2.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "text/utf8.h"

namespace onmal {
namespace {

using Spans = std::vector<std::pair<size_t, size_t>>;

Spans by_scanner(const Pretokenizer& pretokenizer, const std::string& text) {
  Spans spans;
  pretokenizer.split(text, [&](size_t begin, size_t end) { spans.emplace_back(begin, end); });
  return spans;
}

// The pattern itself, by PCRE2.
class Oracle {
 public:
  explicit Oracle(const std::string& pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                          PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
    match_ = code_ == nullptr ? nullptr : pcre2_match_data_create_from_pattern(code_, nullptr);
  }
  ~Oracle() {
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  bool usable() const { return code_ != nullptr; }
  // Cuts each of `spans` before and behind every match; empty matches cut as well.
  Spans split(const std::string& text, const Spans& spans) const {
    Spans result;
    for (const auto& [begin, end] : spans) {
      const auto* part = reinterpret_cast<PCRE2_SPTR>(text.data() + begin);
      const size_t size = end - begin;
      size_t from = 0;
      for (size_t at = 0; at <= size;) {
        if (pcre2_match(code_, part, size, at, 0, match_, nullptr) <= 0) break;
        const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match_);
        if (range[0] > from) result.emplace_back(begin + from, begin + range[0]);
        if (range[1] > range[0]) result.emplace_back(begin + range[0], begin + range[1]);
        from = range[1];
        at = range[1] > range[0]
                 ? range[1]
                 : range[1] + (range[1] < size ? read_utf8(text, begin + range[1]).length : 1);
      }
      if (from < size) result.emplace_back(begin + from, end);
    }
    return result;
  }

 private:
  pcre2_code* code_ = nullptr;
  pcre2_match_data* match_ = nullptr;
};

// All patterns of a pre-tokenizer, one after the other, as Hugging Face's "Sequence" applies them.
Spans by_patterns(const Pretokenizer& pretokenizer, const std::string& text) {
  Spans spans = {{0, text.size()}};
  for (const std::string& pattern : pretokenizer.patterns()) {
    const Oracle oracle(pattern);
    EXPECT_TRUE(oracle.usable());
    spans = oracle.split(text, spans);
  }
  return spans;
}

// Characters that make the alternatives of the patterns collide.
std::string random_text(Rng& rng) {
  static const std::vector<std::string> kParts = {
      "a",      "B",    "가",  "나", " ",  "  ",     "\n", "\r", "\t",     "1",      "23",   "½",
      "Ⅳ",      "'s",   "'LL", "'ſ", "'",  "!",      "..", "()", "é",      "\u3000", "한글", "👍",
      "\u200d", "ㅋㅋ", "中",  "'",  "re", "\u0300", "٣",  "_",  "\u00a0", "\u0085"};
  std::string text;
  const uint64_t count = 1 + rng.below(14);
  for (uint64_t i = 0; i < count; ++i) text += kParts[rng.below(kParts.size())];
  return text;
}

class PretokenizerTest : public ::testing::TestWithParam<std::string> {};

TEST_P(PretokenizerTest, EqualsItsPatternOnRandomText) {
  const Pretokenizer pretokenizer(GetParam());
  Rng rng(17);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random_text(rng);
    ASSERT_EQ(by_scanner(pretokenizer, text), by_patterns(pretokenizer, text)) << text;
  }
}

TEST_P(PretokenizerTest, EqualsItsPatternOnProse) {
  const Pretokenizer pretokenizer(GetParam());
  for (const char* name : {"/samples/ko.txt", "/samples/en.txt"}) {
    const std::string text = read_file(ONMAL_SOURCE_DIR + std::string(name));
    ASSERT_GT(text.size(), 1000U);
    EXPECT_EQ(by_scanner(pretokenizer, text), by_patterns(pretokenizer, text));
  }
}

TEST_P(PretokenizerTest, CoversAnyBytesInOrder) {
  const Pretokenizer pretokenizer(GetParam());
  Rng rng(5);
  for (int i = 0; i < 2000; ++i) {
    std::string text(rng.below(40), '\0');
    for (char& c : text) c = static_cast<char>(rng.below(256));
    size_t expected = 0;
    for (const auto& [begin, end] : by_scanner(pretokenizer, text)) {
      ASSERT_EQ(begin, expected);
      ASSERT_GT(end, begin);
      expected = end;
    }
    ASSERT_EQ(expected, text.size());
  }
}

INSTANTIATE_TEST_SUITE_P(All, PretokenizerTest, ::testing::ValuesIn(Scanner::names()),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

// The same, with a pre-tokenizer's stretches found through cut().
class NamedPretokenizerTest : public ::testing::TestWithParam<std::string> {};

TEST_P(NamedPretokenizerTest, CoversAnyBytesInOrder) {
  const Pretokenizer pretokenizer(GetParam());
  Rng rng(6);
  for (int i = 0; i < 500; ++i) {
    std::string text = random_text(rng);
    if (i % 2 == 0) {
      for (char& c : text) c = rng.below(8) == 0 ? static_cast<char>(rng.below(256)) : c;
    }
    std::string joined;
    pretokenizer.cut(text, true, [&](std::string_view stretch) {
      ASSERT_FALSE(stretch.empty());
      joined += stretch;
    });
    ASSERT_EQ(joined, text);
  }
}

// 1 MB without a place to cut, of each kind that a pattern could stumble over.
TEST_P(NamedPretokenizerTest, LongLinesTakeLinearTime) {
  const Pretokenizer pretokenizer(GetParam());
  for (const std::string part :
       {"가나다", "x", "7", " ", "!", "aB", "\n", "e\u0301", "漢字", "a b"}) {
    std::string text;
    while (text.size() < (size_t{1} << 20)) text += part;
    text += "a";
    size_t bytes = 0;
    pretokenizer.cut(text, true, [&](std::string_view stretch) { bytes += stretch.size(); });
    ASSERT_EQ(bytes, text.size());
  }
}

INSTANTIATE_TEST_SUITE_P(All, NamedPretokenizerTest, ::testing::ValuesIn(Pretokenizer::names()),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(PretokenizerNamesTest, PatternsNameThemselvesAndUnknownOnesAreRefused) {
  for (const std::string& name : Pretokenizer::names()) {
    const std::vector<std::string> patterns = Pretokenizer(name).patterns();
    if (patterns.empty()) continue;
    EXPECT_EQ(Pretokenizer(Pretokenizer::name_of_patterns(patterns)).patterns(), patterns) << name;
  }
  EXPECT_EQ(Pretokenizer::name_of_patterns({"x+"}), "");
  EXPECT_THROW(Pretokenizer("none"), Error);
}

}  // namespace
}  // namespace onmal

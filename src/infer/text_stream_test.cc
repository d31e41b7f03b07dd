#include "infer/text_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "text/utf8.h"

namespace onmal {
namespace {

struct Collected {
  std::vector<std::string> parts;
  bool stopped = false;
  std::string whole() const {
    std::string text;
    for (const std::string& part : parts) text += part;
    return text;
  }
};

Collected run(const std::vector<std::string>& tokens, const std::vector<std::string>& stops) {
  Collected collected;
  TextStream stream(stops);
  const auto emit = [&](std::string_view text) { collected.parts.emplace_back(text); };
  for (const std::string& token : tokens) {
    collected.stopped = stream.push(token, emit);
    if (collected.stopped) break;
  }
  stream.finish(emit);
  EXPECT_EQ(collected.whole(), stream.text());
  for (const std::string& part : collected.parts) {
    EXPECT_EQ(find_invalid_utf8(part), std::string::npos);
    EXPECT_FALSE(part.empty());
  }
  return collected;
}

std::vector<std::string> cut(const std::string& text, size_t bytes) {
  std::vector<std::string> tokens;
  for (size_t i = 0; i < text.size(); i += bytes) tokens.push_back(text.substr(i, bytes));
  return tokens;
}

TEST(TextStreamTest, NeverSplitsACharacter) {
  const std::string text = "한국어 text, 이모지 👩‍👩‍👧 끝";
  for (size_t bytes = 1; bytes <= 5; ++bytes) {
    const Collected collected = run(cut(text, bytes), {"never"});
    EXPECT_EQ(collected.whole(), text);
    EXPECT_FALSE(collected.stopped);
  }
}

TEST(TextStreamTest, StopTextsAreFoundAcrossTokensAndNotShown) {
  for (size_t bytes = 1; bytes <= 9; ++bytes) {
    const Collected collected = run(cut("답은 둘입니다. 질문: 다음", bytes), {"질문:", "User:"});
    EXPECT_TRUE(collected.stopped);
    EXPECT_EQ(collected.whole(), "답은 둘입니다. ");
  }
}

TEST(TextStreamTest, TheEarliestStopTextWins) {
  EXPECT_EQ(run({"one two three"}, {"three", "two"}).whole(), "one ");
  EXPECT_EQ(run({"aaab"}, {"aab"}).whole(), "a");
}

TEST(TextStreamTest, WhatOnlyLookedLikeAStopTextIsShown) {
  const Collected collected = run({"a", "<|im", "_end", "x", "<|i"}, {"<|im_end|>"});
  EXPECT_FALSE(collected.stopped);
  EXPECT_EQ(collected.whole(), "a<|im_endx<|i");
  EXPECT_EQ(collected.parts.front(), "a");
}

TEST(TextStreamTest, BytesThatAreNoTextBecomeReplacements) {
  EXPECT_EQ(run({"a\xFF", "b"}, {}).whole(),
            "a\xEF\xBF\xBD"
            "b");
  // An answer cut off inside a character.
  const std::string half = run({"한\xED\x95"}, {}).whole();
  EXPECT_EQ(half.substr(0, 3), "한");
  EXPECT_EQ(find_invalid_utf8(half), std::string::npos);
}

TEST(TextStreamTest, AnEmptyStopTextIsAnError) { EXPECT_THROW(TextStream({""}), Error); }

TEST(TextStreamTest, AgreesWithSearchingTheWholeText) {
  Rng rng(4);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) text += "ab가"[rng.below(5)];
    std::string clean;
    for (const char c : text)
      clean += static_cast<unsigned char>(c) < 0x80 ? std::string(1, c) : "가";
    const std::vector<std::string> stops{"aab", "가a가", "bbbb"};
    size_t first = std::string::npos;
    for (const std::string& stop : stops) first = std::min(first, clean.find(stop));
    const Collected collected = run(cut(clean, 1), stops);
    EXPECT_EQ(collected.stopped, first != std::string::npos);
    // The stop text that is complete first wins, so compare up to it only when it is the earliest.
    if (first == std::string::npos) {
      EXPECT_EQ(collected.whole(), clean);
    }
    for (const std::string& stop : stops) {
      EXPECT_EQ(collected.whole().find(stop), std::string::npos);
    }
    EXPECT_EQ(clean.substr(0, collected.whole().size()), collected.whole());
  }
}

}  // namespace
}  // namespace onmal

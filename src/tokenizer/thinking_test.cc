#include "tokenizer/thinking.h"

#include <gtest/gtest.h>

#include <string>

namespace onmal {
namespace {

TEST(ThinkingTest, AnswersAreToldFromWhatCameBefore) {
  const auto split = split_thinking("\n<think>\nhm\n\nso\n</think>\n\n네. ", false);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->thinking, "hm\n\nso");
  EXPECT_EQ(split->answer, "네. ");
  EXPECT_FALSE(split_thinking("네 <think>", false));
  EXPECT_FALSE(split_thinking("", false));
  EXPECT_FALSE(split_thinking("hm</think>네", false));
}

TEST(ThinkingTest, ABlockMayBeOpenedByThePromptAndLeftOpen) {
  EXPECT_TRUE(opens_thinking("<|im_start|>assistant\n<think>\n"));
  EXPECT_FALSE(opens_thinking("<think>\n\n</think>\n\n"));
  EXPECT_FALSE(opens_thinking(""));
  const auto split = split_thinking("hm\n</think>네", true);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->thinking, "hm");
  EXPECT_EQ(split->answer, "네");
  EXPECT_EQ(split_thinking("<think>hm", false)->thinking, "hm");
  EXPECT_EQ(split_thinking("hm", true)->answer, "");
}

TEST(ThinkingTest, AMessageKeepsThemApart) {
  const ChatMessage message = thinking_message({"a \"b\"\n", "c"});
  EXPECT_EQ(message.role, "assistant");
  EXPECT_EQ(message.content, "c");
  EXPECT_EQ(message.more_json, R"({"reasoning_content":"a \"b\"\n"})");
}

// However the text is cut into parts, what is shown is the answer of the whole.
TEST(ThinkingTest, TheFilterShowsTheAnswerAlone) {
  struct Case {
    std::string text;
    bool opened;
    std::string shown;
  };
  const Case cases[] = {
      {"<think>\nhm </thi\n</think>\n\n네.\n\n끝 </think> <think>", false,
       "네.\n\n끝 </think> <think>"},
      {"hm</think>답", true, "답"},
      {"<think>hm</think>답", true, "답"},
      {"그냥 답", false, "그냥 답"},
      {" <thin air", false, " <thin air"},
      {"<thi", false, "<thi"},
      {"\n", false, "\n"},
      {"<think>never closed", false, ""},
      {"<think>a</think>\n\n", false, ""},
      {"", false, ""},
  };
  for (const Case& example : cases) {
    for (size_t size = 1; size <= example.text.size() + 1; ++size) {
      ThinkingFilter filter(example.opened);
      std::string shown;
      for (size_t at = 0; at < example.text.size(); at += size)
        shown += filter.add(std::string_view(example.text).substr(at, size));
      shown += filter.finish();
      EXPECT_EQ(shown, example.shown) << example.text << " in parts of " << size;
    }
  }
}

}  // namespace
}  // namespace onmal

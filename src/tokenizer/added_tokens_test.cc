#include "tokenizer/added_tokens.h"

#include <gtest/gtest.h>

namespace onmal {
namespace {

AddedToken make(int32_t id, const std::string& text, bool special = true) {
  AddedToken token;
  token.id = id;
  token.text = text;
  token.special = special;
  return token;
}

// Plain stretches in brackets, tokens as their ids.
std::string cut(const AddedTokens& tokens, std::string_view text, bool parse_special = true) {
  std::string result;
  tokens.split(
      text, parse_special,
      [&](std::string_view plain) { result.append("[").append(plain).append("]"); },
      [&](int32_t id) { result.append(std::to_string(id)); });
  return result;
}

TEST(AddedTokensTest, TheLongestAnywhereOrTheLeftmostWins) {
  const std::vector<AddedToken> list = {make(1, "ab"), make(2, "bcd"), make(3, "a")};
  EXPECT_EQ(cut(AddedTokens(list, AddedOrder::kLongest), "xabcda"), "[x]323");
  EXPECT_EQ(cut(AddedTokens(list, AddedOrder::kLeftmost), "xabcda"), "[x]1[cd]3");
}

TEST(AddedTokensTest, SpecialOnesAreTextUnlessAskedFor) {
  const std::vector<AddedToken> list = {make(1, "<s>"), make(2, "<u>", false)};
  for (const AddedOrder order : {AddedOrder::kLongest, AddedOrder::kLeftmost}) {
    const AddedTokens tokens(list, order);
    EXPECT_EQ(cut(tokens, "a<s><u>b"), "[a]12[b]");
    EXPECT_EQ(cut(tokens, "a<s><u>b", false), "[a<s>]2[b]");
    EXPECT_EQ(cut(tokens, ""), "");
  }
}

TEST(AddedTokensTest, WhiteSpaceIsSwallowedAndWordsAreWhole) {
  std::vector<AddedToken> list = {make(1, "<m>"), make(2, "foo")};
  list[0].strip_left = list[0].strip_right = true;
  list[1].single_word = true;
  EXPECT_EQ(cut(AddedTokens(list, AddedOrder::kLongest), "a \n<m>  <m>b"), "[a]11[b]");
  EXPECT_EQ(cut(AddedTokens(list, AddedOrder::kLeftmost), "a\u3000<m>  <m>b"), "[a]11[b]");
  EXPECT_EQ(cut(AddedTokens(list, AddedOrder::kLeftmost), "foo xfoo foo가 foo."),
            "2[ xfoo foo가 ]2[.]");
}

}  // namespace
}  // namespace onmal

#include "infer/attention_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace onmal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<AttentionToken> texts(const std::vector<std::string>& pieces) {
  std::vector<AttentionToken> tokens;
  for (const std::string& piece : pieces) tokens.push_back({piece, false});
  return tokens;
}

TEST(MapUnits, WordsTakeTheSpaceInFrontOfThem) {
  const UnitMap map =
      map_units(texts({"나", "는", " 학교", "에 간", "다."}), AttentionUnits::kWord);
  EXPECT_THAT(map.labels, ElementsAre("나는", "학교에", "간다."));
  EXPECT_THAT(map.units_of_token, ElementsAre(ElementsAre(0), ElementsAre(0), ElementsAre(1),
                                              ElementsAre(1, 2), ElementsAre(2)));
}

TEST(MapUnits, BytesOfOneSyllableComeTogetherAndLongTokensCoverSeveral) {
  const UnitMap map =
      map_units(texts({"\xEA\xB0", "\x80", "나다", " GPT4", "!"}), AttentionUnits::kSyllable);
  EXPECT_THAT(map.labels, ElementsAre("가", "나", "다", "GPT4", "!"));
  EXPECT_THAT(map.units_of_token, ElementsAre(ElementsAre(0), ElementsAre(0), ElementsAre(1, 2),
                                              ElementsAre(3), ElementsAre(4)));
}

TEST(MapUnits, SpecialTokensAndEmptyOnesStandSomewhere) {
  std::vector<AttentionToken> tokens = texts({"가", "", " "});
  tokens.insert(tokens.begin(), {"<s>", true});
  const UnitMap map = map_units(tokens, AttentionUnits::kWord);
  EXPECT_THAT(map.labels, ElementsAre("<s>", "가"));
  for (const auto& units : map.units_of_token) EXPECT_FALSE(units.empty());
  EXPECT_THAT(map_units(texts({"가", "나"}), AttentionUnits::kToken).labels,
              ElementsAre("가", "나"));
  EXPECT_EQ(map_units(texts({"", ""}), AttentionUnits::kWord).units_of_token.size(), 2U);
}

AttentionMap three_tokens() { return {0, {0}, 3, 3, {1, 0, 0, 0.5F, 0.5F, 0, 0.2F, 0.3F, 0.5F}}; }

TEST(GroupAttention, RowsStayDistributions) {
  // The first two tokens are one word; the third is two words.
  const UnitMap units = {{"a", "b", "c"}, {{0}, {0}, {1, 2}}};
  const AttentionMap grouped = group_attention(three_tokens(), units);
  ASSERT_EQ(grouped.queries, 3);
  EXPECT_FLOAT_EQ(grouped.at(0, 0, 0), 1);
  EXPECT_FLOAT_EQ(grouped.at(0, 1, 0), 0.5F);
  EXPECT_FLOAT_EQ(grouped.at(0, 1, 1), 0.25F);
  EXPECT_FLOAT_EQ(grouped.at(0, 2, 2), 0.25F);
}

TEST(DrawAttention, LabelsAreEscapedAndSizesBounded) {
  const std::string svg = draw_head(three_tokens(), 0, {"<s>", "가&", "\n"});
  EXPECT_THAT(svg, HasSubstr("&lt;s&gt;"));
  EXPECT_THAT(svg, HasSubstr("가&amp;"));
  EXPECT_THAT(draw_heads({three_tokens(), three_tokens()}), HasSubstr("L0 H0"));
  AttentionMap large = {0, {0}, 1000, 1000, std::vector<float>(1'000'000)};
  EXPECT_THROW(draw_heads({large}), Error);
}

}  // namespace
}  // namespace onmal

#include "text/edit_labels.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "text/hangul_keyboard.h"
#include "text/utf8.h"

namespace onmal {
namespace {

std::string rebuild(std::string_view text, const std::vector<std::string>& labels) {
  return apply_edit_labels(text, {labels.begin(), labels.end()});
}

using Labels = std::vector<std::string>;

TEST(EditLabels, OneJamoIsOneLabel) {
  EXPECT_EQ(find_edit_labels("안되", "안돼"), (Labels{"$KEEP", "$V_ㅙ"}));
  EXPECT_EQ(find_edit_labels("됬다", "됐다"), (Labels{"$V_ㅙ", "$KEEP"}));
  EXPECT_EQ(find_edit_labels("않 가", "안 가"), (Labels{"$F_ㄴ", "$KEEP", "$KEEP"}));
  EXPECT_EQ(find_edit_labels("할께", "할게"), (Labels{"$KEEP", "$I_ㄱ"}));
  EXPECT_EQ(find_edit_labels("머거", "먹어"), (Labels{"$F_ㄱ", "$I_ㅇ"}));
  EXPECT_EQ(find_edit_labels("갔", "가"), (Labels{"$F_"}));
  EXPECT_EQ(find_edit_labels("안ㅎ", "안하"), (Labels{"$KEEP", "$V_ㅏ"}));
}

TEST(EditLabels, SpacesAndOtherLetters) {
  EXPECT_EQ(find_edit_labels("할수 있다", "할 수 있다"),
            (Labels{"$KEEP", "$SPACE", "$KEEP", "$KEEP", "$KEEP"}));
  EXPECT_EQ(find_edit_labels("정말 로", "정말로"), (Labels{"$KEEP", "$KEEP", "$DELETE", "$KEEP"}));
  EXPECT_EQ(find_edit_labels("안되", "안 돼"), (Labels{"$KEEP", "$SPACE$V_ㅙ"}));
  EXPECT_EQ(
      find_edit_labels("dkssud 나", "안녕 나"),
      (Labels{"$HANGUL", "$HANGUL", "$HANGUL", "$HANGUL", "$HANGUL", "$HANGUL", "$KEEP", "$KEEP"}));
  EXPECT_EQ(rebuild("dkssud", {"$HANGUL", "$KEEP", "$KEEP", "$KEEP", "$KEEP", "$HANGUL"}),
            "dkssud");
}

TEST(EditLabels, LettersThatMakeNoSyllablesStay) {
  const std::vector<std::string> all(5, "$HANGUL");
  EXPECT_EQ(rebuild("xbcde", all), "xbcde");
  EXPECT_EQ(rebuild("dkssu", all), "안녀");
}

// Whatever two texts are, the labels of one make the other of it, and all are labels.
TEST(EditLabels, RebuildAnyText) {
  const std::vector<std::string> pieces = {"가", "각", "않", "돼", "ㅋ", "ㅏ",
                                           " ",  "a",  "b",  "1",  "."};
  Rng rng(11);
  for (int round = 0; round < 2000; ++round) {
    std::string written = pieces[rng.below(pieces.size())];
    std::string meant;
    for (uint64_t i = rng.below(8); i > 0; --i) written += pieces[rng.below(pieces.size())];
    for (uint64_t i = rng.below(8); i > 0; --i) meant += pieces[rng.below(pieces.size())];
    const std::vector<std::string> labels = find_edit_labels(written, meant);
    EXPECT_EQ(rebuild(written, labels), meant) << "'" << written << "'";
    for (const std::string& label : labels) EXPECT_TRUE(is_edit_label(label)) << label;
  }
}

TEST(EditLabels, OtherTextsAreNoLabels) {
  for (const char* other :
       {"", "positive", "$", "$I_", "$I_ㅏ", "$V_ㄱ", "$REPLACE_", "$F_가", "KEEP"})
    EXPECT_FALSE(is_edit_label(other)) << other;
  for (const std::string& label : basic_edit_labels()) EXPECT_TRUE(is_edit_label(label)) << label;
  EXPECT_EQ(apply_edit_label("a", "$V_ㅏ"), "a");  // does not fit
  EXPECT_EQ(apply_edit_label("가", "$V_ㄱ"), "가");
}

}  // namespace
}  // namespace onmal

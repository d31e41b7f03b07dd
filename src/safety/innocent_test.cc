#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "safety/composed_text.h"
#include "safety/moderator.h"
#include "safety/word_edges.h"
#include "text/unicode.h"

namespace onmal {
namespace {

std::vector<std::string> sample_lines(const std::string& name) {
  std::istringstream file(read_file(ONMAL_SOURCE_DIR "/samples/" + name));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

// Lists written by the same hand as the exceptions: a floor against harm, no measure of the world.
TEST(Innocent, FewLookAlikesAreFlagged) {
  const Moderator moderator = Moderator::standard();
  size_t lines = 0, flagged = 0;
  std::string which;
  for (const char* name : {"innocent_heldout.txt", "innocent_fresh.txt"})
    for (const std::string& line : sample_lines(name)) {
      ++lines;
      if (!moderator.check(line, Place::kAnswer).flagged) continue;
      ++flagged;
      which += "\n" + line;
    }
  EXPECT_GE(lines, 500U);
  EXPECT_LT(100 * flagged, lines) << which;
}

TEST(Innocent, DecomposedHangulIsJudgedAlike) {
  const Moderator moderator = Moderator::standard();
  std::vector<std::string> lines = sample_lines("innocent_heldout.txt");
  for (const char* text : {"정말 시발 뭐야", "개시발놈", "동시발매", "이 병신아", "한남충이네"})
    lines.emplace_back(text);
  for (const std::string& line : lines) {
    const std::string parts = normalize_unicode(line, NormalForm::kNfd);
    const ModerationResult composed = moderator.check(line, Place::kAnswer);
    const ModerationResult decomposed = moderator.check(parts, Place::kAnswer);
    EXPECT_EQ(composed.scores, decomposed.scores) << line;
    ASSERT_EQ(composed.spans.size(), decomposed.spans.size()) << line;
    for (size_t i = 0; i < composed.spans.size(); ++i) {
      const ModerationSpan& whole = composed.spans[i];
      const ModerationSpan& part = decomposed.spans[i];
      EXPECT_EQ(
          normalize_unicode(parts.substr(part.begin, part.end - part.begin), NormalForm::kNfc),
          line.substr(whole.begin, whole.end - whole.begin));
    }
  }
}

TEST(ComposedText, KnowsItsBytes) {
  const std::string parts = normalize_unicode("a각b나다", NormalForm::kNfd);
  const ComposedText composed(parts);
  EXPECT_EQ(composed.view(), "a각b나다");
  EXPECT_EQ(composed.source(0), 0U);
  EXPECT_EQ(composed.source(1), 1U);
  EXPECT_EQ(composed.source(4), 10U);  // three jamo
  EXPECT_EQ(composed.source(5), 11U);  // b
  EXPECT_EQ(composed.source(8), 17U);  // two jamo
  EXPECT_EQ(composed.source(11), parts.size());
  EXPECT_EQ(ComposedText("가\u11A8").view(), "각");
  EXPECT_EQ(ComposedText("\u1100x").view(), "\u1100x");
}

TEST(Innocent, AThingMayBeTurnedOutAndKilled) {
  const Moderator moderator = Moderator::standard();
  const auto flagged = [&](const char* text) {
    return moderator.check(text, Place::kAnswer).flagged;
  };
  EXPECT_FALSE(flagged("가방을 샅샅이 뒤져라"));
  EXPECT_TRUE(flagged("나가서 뒤져라"));
  EXPECT_FALSE(flagged("데몬을 죽여버린다"));
  EXPECT_TRUE(flagged("너를 죽여버린다"));
  EXPECT_TRUE(flagged("목을 따서 죽여버린다"));
  EXPECT_FALSE(flagged("영향을 미친 것들"));
  EXPECT_TRUE(flagged("이 미친 것들"));
}

TEST(Innocent, AWordThatIsSpokenOfCountsLess) {
  const Moderator moderator = Moderator::standard();
  const auto score = [&](const char* text) {
    return moderator.scores(text).scores[category_index(Category::kHateRace)];
  };
  EXPECT_GT(score("짱깨라니"), 0.8F);
  EXPECT_LT(score("짱깨라는 말은 차별이다"), 0.5F);
  EXPECT_LT(score("'짱깨'라는 표현"), 0.5F);
  EXPECT_TRUE(is_spoken_of("가라는 말을", 3));
  EXPECT_FALSE(is_spoken_of("가 말을", 3));
}

TEST(Innocent, LettersAreNoCurseWhereTheyAreNamed) {
  const Moderator moderator = Moderator::standard();
  EXPECT_TRUE(moderator.check("아 ㅅㅂ", Place::kAnswer).flagged);
  EXPECT_FALSE(moderator.check("초성이 ㅅㅂ인 과일", Place::kAnswer).flagged);
}

TEST(Innocent, OneWordAloneDecidesNothingForTheClassifier) {
  const Moderator moderator = Moderator::standard();
  EXPECT_FALSE(moderator.check("멸치 대가리", Place::kAnswer).flagged);
  EXPECT_FALSE(moderator.check("대가리 큰 못", Place::kAnswer).flagged);
}

TEST(Lexicon, GroupsInExceptionsStandForEachOfTheirWords) {
  const Lexicon lexicon("[profanity 0.9]\nabc\n", "{x|y|}abc{ d|, e}\n");
  EXPECT_TRUE(lexicon.search("xabc d").empty());
  EXPECT_TRUE(lexicon.search("abc, e").empty());
  EXPECT_FALSE(lexicon.search("abc").empty());
  std::string many = "a";
  for (int i = 0; i < 6; ++i) many += "{a|b|c|d|e|f|g|h|i|j}";
  EXPECT_ANY_THROW(Lexicon("[profanity 0.9]\nabc\n", many));
}

TEST(WordEdges, CountedPlurals) {
  EXPECT_TRUE(is_counted_plural("5pics", 0, 4));
  EXPECT_FALSE(is_counted_plural("5pic", 0, 4));
  EXPECT_FALSE(is_counted_plural("spics", 0, 4));
}

}  // namespace
}  // namespace onmal

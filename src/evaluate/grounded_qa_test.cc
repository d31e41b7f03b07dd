#include "evaluate/grounded_qa.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/error.h"

namespace onmal {
namespace {

const std::string kFile = R"({"version": "1", "data": [
 {"title": "도시", "paragraphs": [
  {"context": "서울은 수도이다. 인구는 940만 명이다.", "qas": [
    {"id": "a", "question": "서울의 인구는 몇 명인가?", "answers": [{"text": "940만 명", "answer_start": 14}]},
    {"id": "b", "question": "서울의 시장은?", "is_impossible": true, "answers": [],
     "plausible_answers": [{"text": "수도", "answer_start": 4}]}]},
  {"qas": [{"answers": [{"answer_start": 0, "text": "Paris"}, {"answer_start": 0, "text": "Paris"}],
            "id": "c", "question": "Which city is the capital of France?"}],
   "context": "Paris is the capital of France."}]}]})";

TEST(Squad, ReadsParagraphsQuestionsAndAnswers) {
  const SquadData data = parse_squad(kFile, "test");
  ASSERT_EQ(data.paragraphs.size(), 2U);
  EXPECT_EQ(data.paragraphs[0].title, "도시");
  ASSERT_EQ(data.questions.size(), 3U);
  EXPECT_EQ(data.questions[0].answers[0].text, "940만 명");
  EXPECT_EQ(data.questions[0].answers[0].begin_character, 14);
  EXPECT_TRUE(data.questions[1].answers.empty());
  EXPECT_EQ(data.questions[2].paragraph, 1U);
  EXPECT_EQ(data.questions[2].answers.size(), 2U);
}

TEST(Squad, RefusesWhatIsNone) {
  const auto with = [](std::string from, const std::string& to) {
    std::string text = kFile;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& text :
       {with("\"answer_start\": 14", "\"answer_start\": 15"),
        with("\"answer_start\": 14", "\"answer_start\": -1"),
        with("\"answer_start\": 14", "\"answer_start\": 99999"), with("서울의 시장은?", ""),
        std::string("{}"), std::string("[1, 2"), std::string(""),
        with("\"context\": \"Paris", "\"text\": \"Paris")})
    EXPECT_THROW(parse_squad(text, "test"), Error) << text;
  EXPECT_THROW(parse_squad(kFile, "test", {.questions = 2}), Error);
  EXPECT_THROW(parse_squad(kFile, "test", {.answers = 1}), Error);
  EXPECT_THROW(parse_squad(kFile, "test", {.bytes = 50}), Error);
  // Not a byte of it may be missing.
  for (size_t end = 0; end < kFile.size(); end += 7)
    EXPECT_THROW(parse_squad(std::string_view(kFile).substr(0, end), "test"), Error);
}

std::map<std::string, double> values(const std::vector<GroundedItem>& items) {
  std::map<std::string, double> found;
  for (const Metric& metric : grounded_metrics(items, AnswerUnits::kSyllables))
    found[metric.name] = evaluate_metric(metric, {.resamples = 0}).value;
  return found;
}

// By hand: one right answer with a right and a wrong citation, one missed, one rightly withheld,
// one given where there was none.
TEST(GroundedQa, MeasuresByHand) {
  const std::vector<GroundedItem> items = {
      {"서울이다", {"서울"}, 0.9, {{1, 0, 5}, {2, 0, 5}}, {{1, 4, 6}}},
      {"", {"부산"}, 0.2, {}, {{3, 0, 2}}},
      {"", {}, 0.1, {}, {}},
      {"대전", {}, 0.5, {{4, 0, 3}}, {}}};
  std::map<std::string, double> found = values(items);
  EXPECT_DOUBLE_EQ(found.at("exact_match"), 0.25);
  EXPECT_DOUBLE_EQ(found.at("contains"), 0.5);
  EXPECT_NEAR(found.at("citation_precision"), 1.0 / 3, 1e-12);
  EXPECT_DOUBLE_EQ(found.at("citation_recall"), 0.5);
  EXPECT_DOUBLE_EQ(found.at("answered"), 0.5);
  // Of four pairs, three stand right: 0.9 > 0.1, 0.9 > 0.5, 0.2 > 0.1.
  EXPECT_DOUBLE_EQ(found.at("abstention_auroc"), 0.75);
}

TEST(GroundedQa, AsksEveryQuestion) {
  const SquadData data = parse_squad(kFile, "test");
  GroundedQaOptions options;
  options.unanswerable = 0;
  size_t calls = 0;
  const std::vector<GroundedItem> items =
      run_grounded_qa(data, nullptr, options, [&](size_t, size_t total) {
        ++calls;
        EXPECT_EQ(total, 3U);
      });
  EXPECT_EQ(calls, 3U);
  EXPECT_NE(items[0].answer.find("940만"), std::string::npos) << items[0].answer;
  EXPECT_EQ(items[0].answer.find('['), std::string::npos);
  EXPECT_TRUE(items[1].references.empty());
  EXPECT_NE(items[2].answer.find("Paris"), std::string::npos);
  EXPECT_DOUBLE_EQ(values(items).at("contains"), 1);
  EXPECT_DOUBLE_EQ(values(items).at("citation_recall"), 1);
  options.unanswerable = 1;
  for (const GroundedItem& item : run_grounded_qa(data, nullptr, options, {}))
    EXPECT_TRUE(item.references.empty());
}

TEST(GroundedQa, FindsTheParagraphThatAnswers) {
  const SquadData data = parse_squad(kFile, "test");
  const Analyzer analyzer;
  const ParagraphIndex index(data.paragraphs, analyzer);
  EXPECT_EQ(index.find("capital of France", 5).front().first, 1U);
  EXPECT_EQ(index.find("서울 인구", 1).front().first, 0U);
  EXPECT_TRUE(index.find("서울 인구", 5, 0).empty());
  EXPECT_TRUE(passages_for(data, index, data.questions[0], 2, false).empty());
  ASSERT_EQ(passages_for(data, index, data.questions[0], 1, true).size(), 1U);
}

}  // namespace
}  // namespace onmal

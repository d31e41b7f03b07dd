#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "evaluate/answers.h"
#include "evaluate/correction.h"
#include "evaluate/labels.h"
#include "evaluate/metric.h"
#include "evaluate/scoring_task.h"
#include "evaluate/table_file.h"
#include "evaluate/translation.h"

namespace onmal {
namespace {

using ::testing::ElementsAre;
using Texts = std::vector<std::string>;

double all(const Metric& metric) { return evaluate_metric(metric, {.resamples = 0}).value; }

// The example of sacreBLEU's README, with the figures it prints.
const Texts kSystem = {"The dog bit the man.", "It wasn't surprising.",
                       "The man had just bitten him."};
const References kTwo = {
    {"The dog bit the man.", "It was not unexpected.", "The man bit him first."},
    {"The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."}};

TEST(Translation, AgreesWithSacreBleusExample) {
  EXPECT_NEAR(all(bleu_metric(kSystem, kTwo)), 48.530827009929865, 1e-9);
  EXPECT_NEAR(all(chrf_metric(kSystem, kTwo)), 59.73, 0.005);
}

TEST(Translation, ThirteenARules) {
  EXPECT_THAT(cut_text("Hello, world! 3.5% (a-b) 7-8 don't &quot;x&quot; a.b", TextUnits::k13a),
              ElementsAre("Hello", ",", "world", "!", "3.5", "%", "(", "a-b", ")", "7", "-", "8",
                          "don't", "\"", "x", "\"", "a", ".", "b"));
  EXPECT_THAT(cut_text("한국어 test.", TextUnits::kSyllable),
              ElementsAre("한", "국", "어", "test", "."));
  EXPECT_THAT(cut_text("가 b", TextUnits::kCharacter), ElementsAre("가", "b"));
}

TEST(Translation, EqualDifferentAndEmptyTexts) {
  const Texts text = {"나는 오늘 학교에 갔다 그리고 왔다"};
  EXPECT_NEAR(all(bleu_metric(text, {text})), 100, 1e-9);
  EXPECT_NEAR(all(chrf_metric(text, {text}, 2)), 100, 1e-9);
  EXPECT_EQ(all(bleu_metric({"a b c d e"}, {{"v w x y z"}})), 0);
  EXPECT_EQ(all(bleu_metric({""}, {{"v w x y z"}})), 0);
  EXPECT_EQ(all(chrf_metric({""}, {{""}})), 0);
}

// Worked out by hand: 3 of 4 unigrams, 1 of 3 bigrams, none of 2 and 1: 1/(2*2), 1/(4*1).
TEST(Translation, ExponentialSmoothing) {
  const double expected = 100 * std::pow(0.75 / 3 / 4 / 4, 0.25);
  EXPECT_NEAR(all(bleu_metric({"a b x c"}, {{"a b c d"}})), expected, 1e-9);
}

TEST(Rouge, CountsSyllablesAndWords) {
  // 학교에 against 학교: two of three and two of two syllables.
  EXPECT_NEAR(all(rouge_metric({"학교에"}, {"학교"}, 1)), 0.8, 1e-12);
  EXPECT_NEAR(all(rouge_metric({"The cat sat."}, {"the cat ran"}, 2)), 0.5, 1e-12);
  EXPECT_NEAR(all(rouge_metric({"a b c d"}, {"a c b d"}, 0)), 0.75, 1e-12);
}

TEST(Labels, AccuracyAndF1) {
  const LabelSets predicted = {{"a"}, {"a"}, {"b"}, {"c"}};
  const LabelSets wanted = {{"a"}, {"b"}, {"b"}, {"a"}};
  EXPECT_DOUBLE_EQ(all(accuracy_metric(predicted, wanted)), 0.5);
  EXPECT_DOUBLE_EQ(all(micro_f1_metric(predicted, wanted)), 0.5);
  // a: 1 right of 2 and 2; b: 1 right of 1 and 2; c: none.
  EXPECT_NEAR(all(macro_f1_metric(predicted, wanted)), (0.5 + 2.0 / 3) / 3, 1e-12);
  const LabelSets many = {{"a", "b"}, {}, {"b", "b"}};
  EXPECT_DOUBLE_EQ(all(micro_f1_metric(many, {{"a"}, {}, {"b"}})), 0.8);
  EXPECT_NEAR(all(accuracy_metric(many, {{"b", "a"}, {"a"}, {"b"}})), 2.0 / 3, 1e-12);
  EXPECT_THROW(accuracy_metric(predicted, {{"a"}}), Error);
  EXPECT_THROW(accuracy_metric({}, {}), Error);
}

TEST(Labels, RanksAndCorrelations) {
  EXPECT_DOUBLE_EQ(all(auroc_metric({0.1, 0.4, 0.35, 0.8}, {false, false, true, true})), 0.75);
  EXPECT_DOUBLE_EQ(all(auroc_metric({1, 1}, {false, true})), 0.5);
  EXPECT_DOUBLE_EQ(all(spearman_metric({1, 2, 3, 4}, {1, 4, 9, 16})), 1);
  EXPECT_NEAR(all(pearson_metric({1, 2, 3}, {1, 2, 2})), std::sqrt(0.75), 1e-12);
  EXPECT_NEAR(all(spearman_metric({1, 2, 2}, {3, 1, 2})), -std::sqrt(0.75), 1e-12);
  EXPECT_TRUE(std::isnan(all(pearson_metric({1, 1}, {1, 2}))));
}

TEST(AnswerMeasures, SquadAndKorquad) {
  const Answers cat = {{"a dog", "cat"}};
  EXPECT_EQ(all(exact_match_metric({"The cat."}, cat, AnswerUnits::kWords)), 1);
  EXPECT_NEAR(all(answer_f1_metric({"big cat"}, cat, AnswerUnits::kWords)), 2.0 / 3, 1e-12);
  EXPECT_EQ(all(exact_match_metric({"《삼국지》"}, {{"삼국지"}}, AnswerUnits::kSyllables)), 1);
  // 서울시 and 서울: two of three, two of two characters.
  EXPECT_NEAR(all(answer_f1_metric({"서울시"}, {{"서울"}}, AnswerUnits::kSyllables)), 0.8, 1e-12);
}

TEST(Correction, EditsAreTheFewestAndJoined) {
  EXPECT_TRUE(find_edits("같다", "같다").empty());
  EXPECT_THAT(find_edits("안가요", "안 가요"), ElementsAre(TextEdit{1, 1, {" "}}));
  EXPECT_THAT(find_edits("할께요", "할게요"), ElementsAre(TextEdit{1, 2, {"게"}}));
  EXPECT_THAT(find_edits("aab", "b"), ElementsAre(TextEdit{0, 2, {}}));
  EXPECT_THAT(find_edits("", "가나"), ElementsAre(TextEdit{0, 0, {"가", "나"}}));
  EXPECT_THAT(find_edits("되요 않돼", "돼요 안 돼"),
              ElementsAre(TextEdit{0, 1, {"돼"}}, TextEdit{3, 4, {"안", " "}}));
}

TEST(Correction, PrecisionRecallAndF) {
  const Texts sources = {"할께요", "되요", "맞는 글"};
  const Texts made = {"할게요", "되요", "맞은 글"};
  const Texts wanted = {"할게요", "돼요", "맞는 글"};
  EXPECT_DOUBLE_EQ(all(edit_metric(sources, made, wanted, EditMeasure::kPrecision)), 0.5);
  EXPECT_DOUBLE_EQ(all(edit_metric(sources, made, wanted, EditMeasure::kRecall)), 0.5);
  EXPECT_DOUBLE_EQ(all(edit_metric(sources, made, wanted, EditMeasure::kF05)), 0.5);
  EXPECT_DOUBLE_EQ(all(edit_metric(sources, sources, wanted, EditMeasure::kPrecision)), 1);
  EXPECT_DOUBLE_EQ(all(edit_metric(sources, wanted, wanted, EditMeasure::kF05)), 1);
}

TEST(Correction, GleuPunishesWhatShouldHaveChanged) {
  const Texts source = {"나는 학교를 어제 갔다 그래"};
  const Texts wanted = {"나는 학교에 어제 갔다 그래"};
  EXPECT_NEAR(all(gleu_metric(source, wanted, wanted)), 1, 1e-12);
  EXPECT_LT(all(gleu_metric(source, source, wanted)), 0.3);
  const Texts other = {"나는 학교로 어제 갔다 그래"};
  EXPECT_GE(all(gleu_metric(source, other, wanted)), all(gleu_metric(source, source, wanted)));
}

TEST(Bootstrap, SeededAndAroundTheValue) {
  std::vector<double> values(400);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i % 4 == 0 ? 1 : 0;
  const MetricValue value = evaluate_metric(mean_metric("m", values));
  EXPECT_DOUBLE_EQ(value.value, 0.25);
  // The normal approximation: 0.25 ± 1.96 * sqrt(0.25 * 0.75 / 400).
  EXPECT_NEAR(value.low, 0.25 - 0.0424, 0.008);
  EXPECT_NEAR(value.high, 0.25 + 0.0424, 0.008);
  EXPECT_EQ(evaluate_metric(mean_metric("m", values)).low, value.low);
  EXPECT_THROW(evaluate_metric(mean_metric("m", {})), Error);
}

TEST(ScoringTasks, EveryTaskRunsAndUnknownOnesAreListed) {
  for (const ScoringTask& task : scoring_tasks()) {
    const ScoringInput input = {{"1", "0"}, {{"1", "0"}}, {"1", "1"}};
    for (const Metric& metric : task.metrics(input))
      EXPECT_TRUE(std::isfinite(all(metric)) || metric.items == 2) << task.name << metric.name;
  }
  EXPECT_THROW(find_scoring_task("nothing"), Error);
  EXPECT_THROW(parse_numbers({"1", "x"}, "f"), Error);
}

TEST(TableFileTest, ColumnsByNameAndErrorsByLine) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("onmal_table_" + std::to_string(getpid()));
  write_file(path, "a\tb\r\n1\t2\r\n\n3\t4\n");
  const TableFile table(path);
  ASSERT_EQ(table.rows(), 2U);
  EXPECT_EQ(table.at(1, table.column("b")), "4");
  EXPECT_TRUE(table.where(1).ends_with("line 4"));
  EXPECT_THROW(table.column("c"), Error);
  write_file(path, "a\tb\n1\n");
  EXPECT_THROW(TableFile{path}, Error);
  write_file(path, "");
  EXPECT_THROW(TableFile{path}, Error);
  std::filesystem::remove(path);
}

TEST(Correction, FixedAreMistakesThatAreGone) {
  const auto fixed = [](const std::string& source, const std::string& said,
                        const std::string& meant) {
    return evaluate_metric(fixed_metric({source}, {said}, {meant})).value;
  };
  EXPECT_EQ(fixed("안되요 됬다", "안 돼요 됬다", "안 돼요 됐다"), 0.5);
  EXPECT_EQ(fixed("안되요", "안돼요", "안 돼요"), 0);            // half of one joined change
  EXPECT_EQ(fixed("안되요 가", "안 돼요 나", "안 돼요 가"), 1);  // harm elsewhere is told elsewhere
  EXPECT_EQ(fixed("가", "나", "가"), 1);
}

TEST(Correction, HarmedAreCleanSentencesThatChanged) {
  const std::vector<std::string> sources = {"맞다", "틀렷다", "좋다", "간다"};
  const std::vector<std::string> references = {"맞다", "틀렸다", "좋다", "간다"};
  const auto harmed = harmed_metric(sources, {"맛다", "틀렷다", "좋다", "간다"}, references);
  ASSERT_TRUE(harmed.has_value());
  const MetricValue value = evaluate_metric(*harmed);
  EXPECT_EQ(value.n, 3U);
  EXPECT_NEAR(value.value, 1.0 / 3.0, 1e-12);
  EXPECT_FALSE(harmed_metric({"a"}, {"b"}, {"b"}).has_value());
}

}  // namespace
}  // namespace onmal

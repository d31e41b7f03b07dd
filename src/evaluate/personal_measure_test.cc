#include "evaluate/personal_measure.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "corpus/decompress.h"

namespace onmal {
namespace {

std::string faults_of(const PersonalMeasure& measure) {
  std::string all;
  for (size_t i = 0; i < measure.faults.size() && i < 20; ++i) all += "\n" + measure.faults[i];
  return all;
}

void expect_floors(const std::vector<PersonalRow>& rows, double precision, double recall) {
  const PersonalMeasure measure = measure_personal_data(rows);
  EXPECT_GE(measure.all.precision(), precision) << faults_of(measure);
  EXPECT_GE(measure.all.recall(), recall) << faults_of(measure);
}

TEST(PersonalMeasure, CountsWholeStretchesOfTheRightKind) {
  const std::vector<PersonalRow> rows = {
      {"전화 010-2000-0001, 메일 a.b@example.com", {{PersonalKind::kPhone, "010-2000-0001"}}},
      {"전화 010-2000-0002", {{PersonalKind::kPhone, "2000-0002"}}},
      {"없다", {}}};
  const PersonalMeasure measure = measure_personal_data(rows);
  const PersonalCounts& phone = measure.kinds[static_cast<size_t>(PersonalKind::kPhone)];
  EXPECT_EQ(phone.right, 1U);
  EXPECT_EQ(phone.wrong, 1U);
  EXPECT_EQ(phone.missed, 1U);
  EXPECT_EQ(measure.all.wrong, 2U);
  EXPECT_DOUBLE_EQ(measure.all.recall(), 0.5);
  EXPECT_EQ(measure.faults.size(), 3U);
  EXPECT_DOUBLE_EQ(PersonalCounts().precision(), 1);
}

TEST(PersonalMeasure, FloorsOnSentencesAsKoreansWriteThem) {
  const auto rows = read_personal_rows(ONMAL_SOURCE_DIR "/samples/personal_data_style.jsonl");
  size_t with = 0;
  for (const PersonalRow& row : rows) with += row.items.empty() ? 0 : 1;
  EXPECT_GE(with, 60U);
  EXPECT_GE(rows.size() - with, 60U);
  expect_floors(rows, 0.96, 0.94);
}

TEST(PersonalMeasure, FloorsOnMadeSentences) {
  const auto rows = make_personal_rows(3000, 11);
  ASSERT_EQ(rows.size(), 3000U);
  EXPECT_EQ(rows[0].text, make_personal_rows(1, 11)[0].text);
  expect_floors(rows, 0.97, 0.95);
}

TEST(PersonalMeasure, TechnicalProseHoldsNextToNothing) {
  const char* data = std::getenv("ONMAL_DATA");
  if (data == nullptr) GTEST_SKIP() << "ONMAL_DATA names no folder with text-ko/";
  size_t bytes = 0, mails = 0, others = 0;
  for (const char* name :
       {"react-docs-ko.md.gz", "pytorch-tutorials-kr.txt.gz", "tensorflow-docs-ko.txt.gz"}) {
    const std::filesystem::path path = std::filesystem::path(data) / "text-ko" / name;
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
    const std::string text = read_unpacked(path);
    bytes += text.size();
    for (const PersonalSpan& span : find_personal_data(text))
      ++(span.kind == PersonalKind::kEmail ? mails : others);
  }
  EXPECT_GT(bytes, 10'000'000U);
  // Mail addresses of examples (admin@mysite.com) look like anybody's.
  EXPECT_LE(others, 2U);
  EXPECT_LE(mails, 150U);
}

}  // namespace
}  // namespace onmal

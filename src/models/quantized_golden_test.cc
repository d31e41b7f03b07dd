// Quantised llama models against llama.cpp's logits of the same files with every weight dequantised
// first (see the README of the golden files).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "models/golden_testing.h"

namespace onmal {
namespace {

class QuantizedGoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(QuantizedGoldenTest, LogitsAreThoseOfTheDequantisedWeights) {
  const std::filesystem::path folder = testing::golden_folder();
  const std::string name = std::string("llama-q-") + GetParam();
  if (!std::filesystem::exists(folder / (name + ".gguf"))) {
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder << " (set ONMAL_GOLDEN)";
  }
  const testing::GoldenLogits run = testing::golden_logits(name, ".dequant.logits.f32.gz");
  ASSERT_EQ(static_cast<int64_t>(run.want.size()), run.rows * run.columns);
  ASSERT_EQ(run.got.size(), run.want.size());
  const auto [largest, difference] = testing::difference_of(run.got.data(), run.want);
  RecordProperty("relative_difference", std::to_string(difference / largest));
  EXPECT_LE(difference, 1e-5 * largest);
  for (int64_t row = 0; row < run.rows; ++row) {
    const float* begin = run.got.data() + row * run.columns;
    EXPECT_EQ(std::max_element(begin, begin + run.columns) - begin,
              run.description["dequant_argmax"][row]);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, QuantizedGoldenTest,
                         ::testing::Values("q8_0", "q4_0", "q4_k", "q5_k", "q6_k", "q4_k_m"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace onmal

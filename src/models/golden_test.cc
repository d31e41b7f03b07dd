// Models of several families against llama.cpp's logits (see the README of the golden files).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "models/golden_testing.h"

namespace onmal {
namespace {

// The bound is the README's, tighter where llama.cpp's own tables of GELU do not limit it.
struct Golden {
  const char* name;
  double bound;
};

class GoldenTest : public ::testing::TestWithParam<Golden> {
 protected:
  // Every row's largest logit has the same id, unless the two largest are closer than the bound.
  static void expect_argmax(const float* got, const float* want, int64_t columns, double margin) {
    const int64_t best = std::max_element(want, want + columns) - want;
    const int64_t found = std::max_element(got, got + columns) - got;
    if (best == found) return;
    EXPECT_LE(static_cast<double>(want[best]) - static_cast<double>(want[found]), margin);
  }
};

TEST_P(GoldenTest, LogitsAreLlamaCpps) {
  const std::filesystem::path folder = testing::golden_folder();
  const std::string name = GetParam().name;
  if (!std::filesystem::exists(folder / (name + ".gguf"))) {
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder << " (set ONMAL_GOLDEN)";
  }
  const testing::GoldenLogits run = testing::golden_logits(name, ".logits.f32.gz");
  ASSERT_EQ(static_cast<int64_t>(run.want.size()), run.rows * run.columns);
  ASSERT_EQ(run.got.size(), run.want.size());
  const auto [largest, difference] = testing::difference_of(run.got.data(), run.want);
  RecordProperty("relative_difference", std::to_string(difference / largest));
  EXPECT_LE(difference, GetParam().bound * largest);
  for (int64_t row = 0; row < run.rows; ++row) {
    expect_argmax(run.got.data() + row * run.columns, run.want.data() + row * run.columns,
                  run.columns, 2 * GetParam().bound * largest);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTest,
                         ::testing::Values(Golden{"llama", 1e-5}, Golden{"llama3-rope", 1e-5},
                                           Golden{"qwen2", 1e-5}, Golden{"qwen3", 1e-5},
                                           Golden{"phi3", 1e-5}, Golden{"gemma2", 1e-3},
                                           Golden{"gemma3", 1e-3}, Golden{"gpt2", 1e-3},
                                           Golden{"llama-128-f16", 3e-3}),
                         [](const auto& tested) {
                           std::string name = tested.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace onmal

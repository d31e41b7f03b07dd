// Models of several families against llama.cpp's logits (see the README of the golden files).
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "models/language_model.h"
#include "ops/backend.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

fs::path golden_folder() {
  const char* given = std::getenv("ONMAL_GOLDEN");
  return given != nullptr ? fs::path(given) : fs::path(ONMAL_SOURCE_DIR) / ".." / "shared/golden";
}

std::vector<float> read_gzip(const fs::path& path, size_t count) {
  std::vector<float> values(count);
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return {};
  const auto bytes = static_cast<unsigned>(count * sizeof(float));
  const bool whole = gzread(file, values.data(), bytes) == static_cast<int>(bytes);
  gzclose(file);
  return whole ? values : std::vector<float>{};
}

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
  const fs::path folder = golden_folder();
  const std::string name = GetParam().name;
  if (!fs::exists(folder / (name + ".gguf"))) {
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder << " (set ONMAL_GOLDEN)";
  }
  const auto description = nlohmann::json::parse(read_file(folder / (name + ".json")));
  const std::vector<int32_t> ids = description["token_ids"];
  const int64_t rows = description["shape"][0];
  const int64_t columns = description["shape"][1];
  const std::vector<float> golden =
      read_gzip(folder / (name + ".logits.f32.gz"), static_cast<size_t>(rows * columns));
  ASSERT_EQ(static_cast<int64_t>(golden.size()), rows * columns);
  const LanguageModel model = load_language_model(folder / (name + ".gguf"));
  const Backend backend = make_cpu_backend();
  ThreadPool pool(2);
  HeapAllocator memory;
  Exec exec{&pool, &memory, &backend};
  const Tensor input =
      Tensor::borrowed(const_cast<int32_t*>(ids.data()), Shape{1, rows}, DType::kI32);
  const Tensor logits =
      model.decoder->logits(exec, model.decoder->forward(exec, {input, {}, nullptr}));
  double largest = 0;
  double difference = 0;
  for (int64_t i = 0; i < rows * columns; ++i) {
    const auto wanted = static_cast<double>(golden[static_cast<size_t>(i)]);
    largest = std::max(largest, std::abs(wanted));
    difference = std::max(difference, std::abs(wanted - static_cast<double>(logits.f32()[i])));
  }
  RecordProperty("relative_difference", std::to_string(difference / largest));
  EXPECT_LE(difference, GetParam().bound * largest);
  for (int64_t row = 0; row < rows; ++row) {
    expect_argmax(logits.f32() + row * columns, golden.data() + row * columns, columns,
                  2 * GetParam().bound * largest);
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

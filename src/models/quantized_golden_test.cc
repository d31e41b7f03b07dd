// Quantised llama models against llama.cpp's logits of the same files with every weight dequantised
// first (see the README of the golden files).
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

class QuantizedGoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(QuantizedGoldenTest, LogitsAreThoseOfTheDequantisedWeights) {
  const fs::path folder = golden_folder();
  const std::string name = std::string("llama-q-") + GetParam();
  if (!fs::exists(folder / (name + ".gguf"))) {
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder << " (set ONMAL_GOLDEN)";
  }
  const auto description = nlohmann::json::parse(read_file(folder / (name + ".json")));
  const std::vector<int32_t> ids = description["token_ids"];
  const int64_t rows = description["shape"][0];
  const int64_t columns = description["shape"][1];
  const std::vector<float> golden =
      read_gzip(folder / (name + ".dequant.logits.f32.gz"), static_cast<size_t>(rows * columns));
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
  EXPECT_LE(difference, 1e-5 * largest);
  for (int64_t row = 0; row < rows; ++row) {
    const float* begin = logits.f32() + row * columns;
    EXPECT_EQ(std::max_element(begin, begin + columns) - begin, description["dequant_argmax"][row]);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, QuantizedGoldenTest,
                         ::testing::Values("q8_0", "q4_0", "q4_k", "q5_k", "q6_k", "q4_k_m"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace onmal

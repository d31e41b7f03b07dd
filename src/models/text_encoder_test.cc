#include "models/text_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "models/golden_testing.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

double difference(const float* got, const std::vector<float>& want) {
  const testing::Difference found = testing::difference_of(got, want);
  return found.absolute / found.largest;
}

TEST(TextEncoderTest, GoldenBert) {
  const fs::path folder = testing::golden_folder();
  if (!fs::exists(folder / "bert.gguf"))
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder << " (set ONMAL_GOLDEN)";
  const auto description = nlohmann::json::parse(read_file(folder / "bert.json"));
  const std::vector<int32_t> ids = description["token_ids"];
  const TextEncoder encoder(folder / "bert.gguf");
  EXPECT_EQ(encoder.pooling(), Pooling::kMean);
  const auto dim = static_cast<size_t>(encoder.dimensions());
  const Backend backend = make_cpu_backend();
  ThreadPool pool(2);
  HeapAllocator memory;
  Exec exec{&pool, &memory, &backend};
  const std::vector<float> tokens =
      testing::read_gzip(folder / "bert.tokens.f32.gz", ids.size() * dim);
  ASSERT_EQ(tokens.size(), ids.size() * dim);
  // llama.cpp's GELU comes from a table of f16.
  EXPECT_LE(difference(encoder.hidden_states(exec, ids).f32(), tokens), 1e-3);
  const std::vector<float> pooled = testing::read_gzip(folder / "bert.logits.f32.gz", dim);
  const std::vector<std::vector<int32_t>> texts = {ids, {101, 7, 102}, ids};
  EmbedOptions options;
  options.normalize = false;
  const std::vector<TextVector> vectors = encoder.embed(pool, texts, options);
  EXPECT_LE(difference(vectors[0].values.data(), pooled), 1e-3);
  EXPECT_LE(difference(vectors[2].values.data(), pooled), 1e-3);
  const std::vector<TextVector> unit = encoder.embed(pool, texts);
  double squares = 0;
  for (const float value : unit[1].values) squares += static_cast<double>(value * value);
  EXPECT_NEAR(squares, 1.0, 1e-5);
}

// A decoder's vector is its last hidden state: the head makes the golden logits of it.
TEST(TextEncoderTest, DecodersGiveTheirHiddenStates) {
  const fs::path folder = testing::golden_folder();
  if (!fs::exists(folder / "llama.gguf"))
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder << " (set ONMAL_GOLDEN)";
  const auto description = nlohmann::json::parse(read_file(folder / "llama.json"));
  const std::vector<std::vector<int32_t>> texts = {description["token_ids"]};
  const TextEncoder encoder(folder / "llama.gguf");
  ThreadPool pool(2);
  EXPECT_THROW(encoder.embed(pool, texts), Error);  // the file names no pooling
  EmbedOptions options;
  options.pooling = Pooling::kLast;
  options.normalize = false;
  std::vector<float> last = encoder.embed(pool, texts, options)[0].values;
  const LanguageModel model = load_language_model(folder / "llama.gguf");
  const Backend backend = make_cpu_backend();
  HeapAllocator memory;
  Exec exec{&pool, &memory, &backend};
  const Tensor logits = model.decoder->logits(
      exec, Tensor::borrowed(last.data(), Shape{1, static_cast<int64_t>(last.size())}));
  const size_t columns = description["shape"][1];
  const size_t rows = description["shape"][0];
  const std::vector<float> golden =
      testing::read_gzip(folder / "llama.logits.f32.gz", rows * columns);
  ASSERT_EQ(golden.size(), rows * columns);
  EXPECT_LE(
      difference(logits.f32(), {golden.end() - static_cast<std::ptrdiff_t>(columns), golden.end()}),
      1e-5);
}

TEST(TextEncoderTest, TooLongIsAnErrorUnlessCut) {
  const fs::path folder = testing::golden_folder();
  if (!fs::exists(folder / "bert.gguf"))
    GTEST_SKIP() << "SKIPPED: no golden files in " << folder << " (set ONMAL_GOLDEN)";
  const TextEncoder encoder(folder / "bert.gguf");
  ThreadPool pool(1);
  const auto limit = static_cast<size_t>(encoder.max_tokens());
  const std::vector<std::vector<int32_t>> texts = {std::vector<int32_t>(limit + 3, 200)};
  EXPECT_THROW(encoder.embed(pool, texts), Error);
  EmbedOptions options;
  options.truncate = true;
  const std::vector<TextVector> vectors = encoder.embed(pool, texts, options);
  EXPECT_EQ(vectors[0].tokens, encoder.max_tokens());
  EXPECT_EQ(vectors[0].dropped, 3);
  const std::vector<std::vector<int32_t>> none = {{}};
  EXPECT_THROW(encoder.embed(pool, none), Error);
}

}  // namespace
}  // namespace onmal

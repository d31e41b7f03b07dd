#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "infer/generator.h"
#include "infer/test_model.h"

namespace onmal {
namespace {

struct Case {
  const char* architecture;
  DType matrices;
  int64_t window;
};

std::string case_name(const ::testing::TestParamInfo<Case>& tested) {
  return std::string(tested.param.architecture) + "_" +
         std::string(dtype_info(tested.param.matrices).name) +
         (tested.param.window > 0 ? "_window" : "");
}

class CacheTest : public ::testing::TestWithParam<Case> {
 protected:
  static constexpr size_t kTokens = 61;

  CacheTest() : ids_(testing::random_ids(kTokens, 7)) {
    DecoderConfig config = testing::small_config(GetParam().architecture);
    config.window = GetParam().window;
    model_ = testing::random_model(config, GetParam().matrices);
  }

  // Logits of every position without any cache.
  std::vector<float> all_logits() {
    const Backend backend = make_cpu_backend();
    CachingAllocator memory;
    Exec exec{&pool_, &memory, &backend};
    exec.matmul_precision = GeneratorOptions{}.matmul;
    const Tensor input =
        Tensor::borrowed(ids_.data(), Shape{1, static_cast<int64_t>(kTokens)}, DType::kI32);
    const Tensor logits =
        model_.decoder->logits(exec, model_.decoder->forward(exec, {input, {}, nullptr}));
    return {logits.f32(), logits.f32() + logits.elements()};
  }

  void expect_row(std::span<const float> got, const std::vector<float>& all, size_t row,
                  double bound) {
    const auto vocabulary = static_cast<size_t>(model_.decoder->config().vocab_size);
    ASSERT_EQ(got.size(), vocabulary);
    double difference = 0;
    double largest = 0;
    for (size_t i = 0; i < vocabulary; ++i) {
      const double want = static_cast<double>(all[row * vocabulary + i]);
      difference = std::max(difference, std::abs(static_cast<double>(got[i]) - want));
      largest = std::max(largest, std::abs(want));
    }
    EXPECT_GT(largest, 0.1);
    EXPECT_LE(difference, bound * largest) << "row " << row;
  }

  ThreadPool pool_{2};
  std::vector<int32_t> ids_;
  LanguageModel model_;
};

constexpr double kBound = 1e-4;  // of the largest logit

TEST_P(CacheTest, FilledAtOnceAgreesWithNoCache) {
  const std::vector<float> all = all_logits();
  for (const int64_t chunk : {int64_t{512}, int64_t{16}, int64_t{7}}) {
    Generator generator(model_, pool_, {.prefill_chunk = chunk});
    expect_row(generator.prefill(ids_), all, kTokens - 1, kBound);
  }
}

TEST_P(CacheTest, TokenByTokenAgreesWithNoCache) {
  const std::vector<float> all = all_logits();
  Generator generator(model_, pool_);
  expect_row(generator.prefill(std::span(ids_).first(1)), all, 0, kBound);
  for (size_t t = 1; t < kTokens; ++t) {
    expect_row(generator.step(ids_[t]), all, t, kBound);
  }
}

TEST_P(CacheTest, ReusedPrefixAgreesWithNoCache) {
  const std::vector<float> all = all_logits();
  Generator generator(model_, pool_);
  std::vector<int32_t> other = ids_;
  std::fill(other.begin() + 40, other.end(), 3);
  generator.prefill(other);
  expect_row(generator.prefill(ids_), all, kTokens - 1, kBound);
  EXPECT_EQ(generator.cached_ids().size(), kTokens);
}

INSTANTIATE_TEST_SUITE_P(
    Models, CacheTest,
    ::testing::Values(Case{"llama", DType::kF32, 0}, Case{"qwen3", DType::kF32, 0},
                      Case{"gpt2", DType::kF32, 0}, Case{"llama", DType::kF32, 9},
                      Case{"llama", DType::kF16, 0}, Case{"qwen3", DType::kBF16, 0},
                      Case{"llama", DType::kQ8_0, 0}),
    case_name);

}  // namespace
}  // namespace onmal

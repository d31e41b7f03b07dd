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
  MatmulPrecision matmul = MatmulPrecision::kF32;
  DType cache_type = DType::kF32;
};

std::string case_name(const ::testing::TestParamInfo<Case>& tested) {
  return std::string(tested.param.architecture) + "_" +
         std::string(dtype_info(tested.param.matrices).name) +
         (tested.param.window > 0 ? "_window" : "") +
         (tested.param.matmul == MatmulPrecision::kInt8 ? "_int8" : "") +
         (tested.param.cache_type == DType::kF32
              ? ""
              : "_cache_" + std::string(dtype_info(tested.param.cache_type).name));
}

constexpr double kBound = 1e-4;  // of the largest logit

class CacheTest : public ::testing::TestWithParam<Case> {
 protected:
  static constexpr size_t kTokens = 61;

  CacheTest() : ids_(testing::random_ids(kTokens, 7)) {
    DecoderConfig config = testing::small_config(GetParam().architecture);
    config.window = GetParam().window;
    model_ = testing::random_model(config, GetParam().matrices);
  }

  // Logits of every position without any cache.
  std::vector<float> all_logits() { return all_logits(GetParam().matmul); }
  std::vector<float> all_logits(MatmulPrecision matmul) {
    const Backend backend = make_cpu_backend();
    CachingAllocator memory;
    Exec exec{&pool_, &memory, &backend};
    exec.matmul_precision = matmul;
    const Tensor input =
        Tensor::borrowed(ids_.data(), Shape{1, static_cast<int64_t>(kTokens)}, DType::kI32);
    const Tensor logits =
        model_.decoder->logits(exec, model_.decoder->forward(exec, {input, {}, nullptr}));
    return {logits.f32(), logits.f32() + logits.elements()};
  }

  // Integer products round activations to 8 bits, and where the last bit of a sum decides, one way
  // of filling the cache rounds up and another down. Such a flip moves one value by one level;
  // rounding itself moves every value by up to half of one. So what flips do is bounded by what
  // rounding does: the distance from products in f32, measured here.
  double bound_for(const std::vector<float>& all) {
    // Keys and values rounded once: 11 bits of f16, 7 of q8_0.
    if (GetParam().cache_type == DType::kF16) return 2e-3;
    if (GetParam().cache_type == DType::kQ8_0) return 3e-2;
    if (GetParam().matmul == MatmulPrecision::kF32) return kBound;
    const std::vector<float> exact = all_logits(MatmulPrecision::kF32);
    double worst = 0;
    for (size_t row = 0; row < kTokens; ++row) {
      const std::span<const float> got = std::span(all).subspan(row * vocabulary(), vocabulary());
      worst = std::max(worst, difference(got, exact, row));
    }
    EXPECT_GT(worst, kBound);
    EXPECT_LT(worst, 0.1);
    return worst;
  }

  size_t vocabulary() const { return static_cast<size_t>(model_.decoder->config().vocab_size); }

  // Largest difference to row `row` of `all`, of its largest logit.
  double difference(std::span<const float> got, const std::vector<float>& all, size_t row) const {
    EXPECT_EQ(got.size(), vocabulary());
    double most = 0;
    double largest = 0;
    for (size_t i = 0; i < vocabulary(); ++i) {
      const double want = static_cast<double>(all[row * vocabulary() + i]);
      most = std::max(most, std::abs(static_cast<double>(got[i]) - want));
      largest = std::max(largest, std::abs(want));
    }
    EXPECT_GT(largest, 0.1);
    return most / largest;
  }

  ThreadPool pool_{2};
  std::vector<int32_t> ids_;
  LanguageModel model_;
};

TEST_P(CacheTest, FilledAtOnceAgreesWithNoCache) {
  const std::vector<float> all = all_logits();
  const double bound = bound_for(all);
  for (const int64_t chunk : {int64_t{512}, int64_t{16}, int64_t{7}}) {
    Generator generator(
        model_, pool_,
        {.matmul = GetParam().matmul, .prefill_chunk = chunk, .cache_type = GetParam().cache_type});
    EXPECT_LE(difference(generator.prefill(ids_), all, kTokens - 1), bound) << "chunk " << chunk;
  }
}

TEST_P(CacheTest, TokenByTokenAgreesWithNoCache) {
  const std::vector<float> all = all_logits();
  const double bound = bound_for(all);
  Generator generator(model_, pool_,
                      {.matmul = GetParam().matmul, .cache_type = GetParam().cache_type});
  double sum = 0;
  for (size_t t = 0; t < kTokens; ++t) {
    const std::span<const float> got =
        t == 0 ? generator.prefill(std::span(ids_).first(1)) : generator.step(ids_[t]);
    const double found = difference(got, all, t);
    EXPECT_LE(found, bound) << "row " << t;
    sum += found;
  }
  // Flips are rare, though the cache keeps them.
  EXPECT_LE(sum / kTokens, bound / 2);
}

TEST_P(CacheTest, ReusedPrefixAgreesWithNoCache) {
  const std::vector<float> all = all_logits();
  Generator generator(model_, pool_,
                      {.matmul = GetParam().matmul, .cache_type = GetParam().cache_type});
  std::vector<int32_t> other = ids_;
  std::fill(other.begin() + 40, other.end(), 3);
  generator.prefill(other);
  EXPECT_LE(difference(generator.prefill(ids_), all, kTokens - 1), bound_for(all));
  EXPECT_EQ(generator.cached_ids().size(), kTokens);
}

INSTANTIATE_TEST_SUITE_P(
    Models, CacheTest,
    ::testing::Values(Case{"llama", DType::kF32, 0}, Case{"qwen3", DType::kF32, 0},
                      Case{"gpt2", DType::kF32, 0}, Case{"llama", DType::kF32, 9},
                      Case{"llama", DType::kF16, 0}, Case{"qwen3", DType::kBF16, 0},
                      Case{"llama", DType::kQ8_0, 0},
                      Case{"llama", DType::kQ8_0, 0, MatmulPrecision::kInt8},
                      Case{"qwen3", DType::kQ4_0, 0, MatmulPrecision::kInt8},
                      Case{"gemma3", DType::kF32, 9}, Case{"olmo2", DType::kF32, 0},
                      Case{"exaone4", DType::kF32, 9}, Case{"granite", DType::kF32, 0},
                      Case{"stablelm", DType::kF32, 0}, Case{"gptneox", DType::kF32, 0},
                      Case{"falcon", DType::kF32, 0}, Case{"phi3", DType::kF32, 0},
                      Case{"qwen2moe", DType::kF32, 0}, Case{"qwen3moe", DType::kQ8_0, 0},
                      Case{"qwen3moe", DType::kF16, 0},
                      Case{"llama", DType::kF32, 0, MatmulPrecision::kF32, DType::kF16},
                      Case{"gpt2", DType::kF32, 0, MatmulPrecision::kF32, DType::kF16},
                      Case{"llama", DType::kF32, 9, MatmulPrecision::kF32, DType::kF16},
                      Case{"qwen3", DType::kF32, 0, MatmulPrecision::kF32, DType::kQ8_0}),
    case_name);

}  // namespace
}  // namespace onmal

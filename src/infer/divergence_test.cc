#include "infer/divergence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "infer/generator.h"
#include "infer/test_model.h"

namespace onmal {
namespace {

const auto no_progress = [](int64_t) {};

std::vector<double> probabilities(const LanguageModel& model, ThreadPool& pool,
                                  std::span<const int32_t> ids) {
  GeneratorOptions options;
  options.matmul = MatmulPrecision::kF32;
  Generator generator(model, pool, options);
  const std::span<const float> logits = generator.prefill(ids);
  std::vector<double> result(logits.size());
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    sum += result[i] = std::exp(static_cast<double>(logits[i]));
  }
  for (double& p : result) p /= sum;
  return result;
}

TEST(DivergenceTest, AgreesWithDistributionsComparedOneByOne) {
  const LanguageModel base = testing::random_model(testing::small_config("llama"));
  const LanguageModel model = testing::random_model(testing::small_config("llama"), DType::kQ4_0);
  ThreadPool pool(2);
  const std::vector<int32_t> ids = testing::random_ids(90, 3);
  std::vector<double> divergences;
  double same = 0;
  for (size_t t = 0; t + 1 < ids.size(); ++t) {
    const std::vector<double> p = probabilities(base, pool, std::span(ids).first(t + 1));
    const std::vector<double> q = probabilities(model, pool, std::span(ids).first(t + 1));
    double sum = 0;
    for (size_t i = 0; i < p.size(); ++i) sum += p[i] * std::log(p[i] / q[i]);
    divergences.push_back(sum);
    same += std::max_element(p.begin(), p.end()) - p.begin() ==
                    std::max_element(q.begin(), q.end()) - q.begin()
                ? 1
                : 0;
  }
  const ScoreOptions options{.window = 100};
  const Divergence found = compare_models(model, base, pool, ids, options, no_progress);
  double mean = 0;
  for (const double value : divergences) mean += value / 89;
  std::sort(divergences.begin(), divergences.end());
  EXPECT_GT(mean, 0.01);
  EXPECT_NEAR(found.mean, mean, 1e-3 * mean);
  EXPECT_NEAR(found.p99, divergences[87], 1e-3 * divergences[87]);
  EXPECT_NEAR(found.largest, divergences[88], 1e-3 * divergences[88]);
  EXPECT_NEAR(found.top1_agreement, same / 89, 0.012);
  EXPECT_NEAR(found.model.negative_log_likelihood,
              score_tokens(model, pool, ids, options, no_progress).negative_log_likelihood, 0.01);
  EXPECT_NEAR(found.base.negative_log_likelihood,
              score_tokens(base, pool, ids, options, no_progress).negative_log_likelihood, 0.01);
}

TEST(DivergenceTest, OfAModelFromItselfIsNothing) {
  const LanguageModel model = testing::random_model(testing::small_config("qwen3"));
  ThreadPool pool(1);
  const Divergence found =
      compare_models(model, model, pool, testing::random_ids(50, 3), {}, no_progress);
  EXPECT_EQ(found.mean, 0);
  EXPECT_EQ(found.top1_agreement, 1);
}

TEST(DivergenceTest, AnotherVocabularyIsAnError) {
  DecoderConfig config = testing::small_config("llama");
  const LanguageModel model = testing::random_model(config);
  config.vocab_size += 8;
  const LanguageModel base = testing::random_model(config);
  ThreadPool pool(1);
  EXPECT_THROW(compare_models(model, base, pool, testing::random_ids(9, 3), {}, no_progress),
               Error);
}

}  // namespace
}  // namespace onmal

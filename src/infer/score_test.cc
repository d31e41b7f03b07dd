#include "infer/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "infer/generator.h"
#include "infer/test_model.h"

namespace onmal {
namespace {

const auto without_progress = [](int64_t) {};

double log_sum_exp(std::span<const float> logits) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  return std::log(sum);
}

// Every token by its own forward pass over the tokens that its window holds.
double twin(const LanguageModel& model, ThreadPool& pool, const std::vector<int32_t>& ids,
            int64_t window, int64_t stride) {
  double sum = 0;
  const auto inputs = static_cast<int64_t>(ids.size()) - 1;
  int64_t border = window;  // end of the window that scores the token
  for (int64_t t = 0; t < inputs; ++t) {
    if (t >= border) border += stride;
    const int64_t end = std::min(border, inputs);
    const int64_t begin = std::max<int64_t>(0, end - window);
    Generator generator(model, pool);
    const std::span<const float> logits = generator.prefill(
        std::span(ids).subspan(static_cast<size_t>(begin), static_cast<size_t>(t - begin + 1)));
    sum += log_sum_exp(logits) -
           static_cast<double>(logits[static_cast<size_t>(ids[static_cast<size_t>(t + 1)])]);
  }
  return sum;
}

TEST(ScoreTest, AgreesWithTokensScoredOneByOne) {
  const LanguageModel model = testing::random_model(testing::small_config("llama"));
  ThreadPool pool(2);
  const std::vector<int32_t> ids = testing::random_ids(75, 2);
  for (const auto& [window, stride] :
       std::vector<std::pair<int64_t, int64_t>>{{100, 50}, {32, 16}, {20, 20}, {16, 3}}) {
    const Score score =
        score_tokens(model, pool, ids, {.window = window, .stride = stride}, without_progress);
    EXPECT_EQ(score.tokens, 74);
    const double want = twin(model, pool, ids, window, stride);
    EXPECT_NEAR(score.negative_log_likelihood, want, 1e-4 * want) << window << " " << stride;
  }
}

TEST(ScoreTest, ChunksScoreTheirSecondHalvesAlone) {
  const LanguageModel model = testing::random_model(testing::small_config("llama"));
  ThreadPool pool(2);
  const std::vector<int32_t> ids = testing::random_ids(39, 2);
  const Score score = score_tokens(model, pool, ids, {.chunk = 12}, without_progress);
  double want = 0;
  for (const size_t begin : {size_t{0}, size_t{12}, size_t{24}}) {
    for (size_t t = 6; t < 11; ++t) {  // 36 to 38 are a rest
      Generator generator(model, pool);
      const std::span<const float> logits = generator.prefill(std::span(ids).subspan(begin, t + 1));
      want += log_sum_exp(logits) -
              static_cast<double>(logits[static_cast<size_t>(ids[begin + t + 1])]);
    }
  }
  EXPECT_EQ(score.tokens, 15);
  EXPECT_NEAR(score.negative_log_likelihood, want, 1e-4 * want);
  EXPECT_THROW(score_tokens(model, pool, ids, {.chunk = 40}, without_progress), Error);
  EXPECT_THROW(score_tokens(model, pool, ids, {.chunk = 2}, without_progress), Error);
}

TEST(ScoreTest, PerplexityAndBitsPerByte) {
  const Score score{.negative_log_likelihood = 8 * std::log(2.0), .tokens = 4};
  EXPECT_NEAR(score.perplexity(), 4.0, 1e-12);
  EXPECT_NEAR(score.bits_per_byte(16), 0.5, 1e-12);
}

TEST(ScoreTest, NonsenseIsAnErrorAndAStopIsObeyed) {
  const LanguageModel model = testing::random_model(testing::small_config("llama"));
  ThreadPool pool(1);
  const std::vector<int32_t> ids = testing::random_ids(40, 2);
  const auto score = [&](const ScoreOptions& options, const std::stop_token& stop = {}) {
    return score_tokens(model, pool, ids, options, without_progress, stop);
  };
  EXPECT_THROW(score({.window = 500}), Error);
  EXPECT_THROW(score({.window = 8, .stride = 9}), Error);
  EXPECT_THROW(score_tokens(model, pool, std::span(ids).first(1), {}, without_progress), Error);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(score({}, stop.get_token()), Error);
}

}  // namespace
}  // namespace onmal

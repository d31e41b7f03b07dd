#include "ngram_model.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace onmal {
namespace {

TEST(NgramModelTest, ProbabilitiesAddUpToOne) {
  Rng rng(1);
  std::vector<int32_t> tokens(5000);
  for (size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = static_cast<int32_t>(
        i > 2 && rng.below(3) > 0 ? (tokens[i - 1] + tokens[i - 2]) % 17 : rng.below(17));
  }
  const NgramModel model(tokens, 20, 5);
  for (int round = 0; round < 200; ++round) {
    std::vector<int32_t> context(rng.below(8));
    for (int32_t& token : context) token = static_cast<int32_t>(rng.below(20));
    double total = 0;
    for (int32_t token = 0; token < 20; ++token) {
      const double p = model.probability(context, token);
      EXPECT_GT(p, 0.0);
      total += p;
    }
    EXPECT_NEAR(total, 1.0, 1e-9);
  }
}

TEST(NgramModelTest, LearnsARule) {
  std::vector<int32_t> tokens;
  for (int i = 0; i < 3000; ++i) tokens.push_back(i % 7);
  const NgramModel model(tokens, 10, 3);
  EXPECT_GT(model.probability(std::vector<int32_t>{3, 4}, 5), 0.95);
}

}  // namespace
}  // namespace onmal

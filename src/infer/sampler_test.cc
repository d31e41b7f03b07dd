#include "infer/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace onmal {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

SamplerOptions plain_options() {
  SamplerOptions options;
  options.temperature = 1.0F;
  options.top_k = 0;
  options.top_p = 1.0F;
  return options;
}

std::vector<float> random_logits(Rng& rng, size_t count, double spread) {
  std::vector<float> logits(count);
  for (float& logit : logits) logit = static_cast<float>(rng.normal() * spread);
  return logits;
}

// The contract of sampler.h, word for word, with a full sort and in double.
std::vector<double> twin_probabilities(const SamplerOptions& options, std::vector<float> start,
                                       const std::vector<int32_t>& window) {
  std::vector<double> logits(start.begin(), start.end());
  for (const LogitBias& bias : options.logit_bias)
    logits[static_cast<size_t>(bias.id)] += static_cast<double>(bias.bias);
  std::map<int32_t, int> counts;
  const size_t recent = std::min(window.size(), static_cast<size_t>(options.penalty_window));
  for (size_t i = window.size() - recent; i < window.size(); ++i) ++counts[window[i]];
  for (const auto& [id, count] : counts) {
    double& logit = logits[static_cast<size_t>(id)];
    const auto penalty = static_cast<double>(options.repetition_penalty);
    logit = logit > 0 ? logit / penalty : logit * penalty;
    logit -= static_cast<double>(options.frequency_penalty) * count +
             static_cast<double>(options.presence_penalty);
  }
  for (double& logit : logits) logit /= static_cast<double>(options.temperature);
  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  const double top = logits[order[0]];
  if (options.top_k > 0 && options.top_k < static_cast<int64_t>(order.size()))
    order.resize(static_cast<size_t>(options.top_k));
  double total = 0;
  for (const size_t id : order) total += std::exp(logits[id] - top);
  double sum = 0;
  size_t kept = 0;
  while (kept < order.size()) {
    sum += std::exp(logits[order[kept++]] - top) / total;
    if (options.top_p < 1.0F && sum >= static_cast<double>(options.top_p)) break;
  }
  order.resize(kept);
  std::vector<double> probabilities(logits.size(), 0.0);
  sum = 0;
  for (const size_t id : order) {
    const double p = std::exp(logits[id] - top);
    if (p < static_cast<double>(options.min_p)) continue;
    probabilities[id] = p;
    sum += p;
  }
  for (double& p : probabilities) p /= sum;
  return probabilities;
}

// The waiting times of the contract, all of them worked out.
int32_t twin_draw(const std::vector<double>& probabilities, Rng& rng) {
  const auto mix = [](uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  };
  const uint64_t key = mix(rng.next());
  int32_t winner = -1;
  double shortest = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] == 0) continue;
    const uint64_t bits = mix(key + (i + 1) * 0x9E3779B97F4A7C15ULL) >> 12;
    const double time =
        -std::log((static_cast<double>(bits) + 0.5) / 4503599627370496.0) / probabilities[i];
    if (time < shortest) {
      shortest = time;
      winner = static_cast<int32_t>(i);
    }
  }
  return winner;
}

TEST(SamplerTest, AgreesWithTheBruteForceTwin) {
  Rng rng(1);
  int differing = 0;
  for (int round = 0; round < 400; ++round) {
    SamplerOptions options = plain_options();
    options.seed = static_cast<uint64_t>(round);
    const size_t vocabulary = 1 + rng.below(300);
    if (round % 2 == 0) options.top_k = static_cast<int64_t>(rng.below(60));
    if (round % 3 == 0) options.top_p = 0.1F + 0.9F * static_cast<float>(rng.uniform());
    if (round % 5 == 0) options.min_p = 0.3F * static_cast<float>(rng.uniform());
    if (round % 4 == 1) options.repetition_penalty = 1.3F;
    if (round % 4 == 2) options.frequency_penalty = 0.4F;
    if (round % 4 == 3) options.presence_penalty = 0.7F;
    options.temperature = 0.3F + static_cast<float>(rng.uniform());
    options.penalty_window = 7;
    if (vocabulary > 3) options.logit_bias = {{1, 1.5F}, {2, -kInfinity}};
    Sampler sampler(options, static_cast<int64_t>(vocabulary));
    Rng twin_rng(options.seed);
    std::vector<int32_t> window;
    for (int step = 0; step < 20; ++step) {
      const std::vector<float> logits = random_logits(rng, vocabulary, 2.0);
      const std::vector<double> expected = twin_probabilities(options, logits, window);
      const int32_t id = sampler.sample(logits);
      differing += id != twin_draw(expected, twin_rng) ? 1 : 0;
      sampler.accept(id);
      window.push_back(id);
    }
  }
  // Rounding of float against double may move a border once in a while.
  EXPECT_LE(differing, 8) << "of 8000";
}

TEST(SamplerTest, DrawsByTheProbabilities) {
  const std::vector<float> logits{1.0F, 0.0F, -1.0F, 2.0F, 0.5F, 0.5F};
  SamplerOptions options = plain_options();
  options.temperature = 0.7F;
  options.seed = 12;
  const std::vector<double> expected = twin_probabilities(options, logits, {});
  Sampler sampler(options, 6);
  constexpr int kDraws = 60000;
  std::vector<int> counts(logits.size(), 0);
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<size_t>(sampler.sample(logits))];
  double chi_square = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double mean = expected[i] * kDraws;
    chi_square += (counts[i] - mean) * (counts[i] - mean) / mean;
  }
  EXPECT_LT(chi_square, 20.5);  // 5 degrees of freedom, p = 0.001
}

TEST(SamplerTest, AFollowerDrawsTheSameFromTheSameAndMostlyTheSameFromSimilarLogits) {
  Rng rng(4);
  SamplerOptions options = plain_options();
  options.repetition_penalty = 1.2F;
  options.penalty_window = 5;
  options.seed = 8;
  Sampler leader(options, 60);
  Sampler follower(options, 60);
  int similar = 0;
  for (int i = 0; i < 500; ++i) {
    const std::vector<float> logits = random_logits(rng, 60, 2.0);
    std::vector<float> near = logits;
    for (float& logit : near) logit += 0.2F * static_cast<float>(rng.normal());
    follower.follow(leader);
    const int32_t guess = follower.sample(near);
    follower.follow(leader);
    const int32_t same = follower.sample(logits);
    const int32_t id = leader.sample(logits);
    EXPECT_EQ(same, id);
    similar += guess == id ? 1 : 0;
    leader.accept(id);
  }
  EXPECT_GT(similar, 400);  // total variation is about 0.08 here; (1 - 0.08) / (1 + 0.08) is 0.85
}

TEST(SamplerTest, ZeroTemperatureTakesTheLargestAndTheFirstOfEquals) {
  SamplerOptions options;
  options.temperature = 0.0F;
  Sampler sampler(options, 5);
  EXPECT_EQ(sampler.sample(std::vector<float>{0, 3, -1, 3, 2}), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-kInfinity, -5, -6, -7, -8}), 1);
}

TEST(SamplerTest, TinyTemperatureTakesTheLargest) {
  SamplerOptions options = plain_options();
  for (const float temperature : {1e-6F, 1e-30F, 1e-42F}) {
    options.temperature = temperature;
    Sampler sampler(options, 3);
    EXPECT_EQ(sampler.sample(std::vector<float>{3e3F, 4e3F, -1e5F}), 1) << temperature;
  }
}

TEST(SamplerTest, TopKOfEqualLogitsKeepsTheLowestIds) {
  SamplerOptions options = plain_options();
  options.top_k = 3;
  Sampler sampler(options, 10);
  const std::vector<float> logits(10, 1.0F);
  for (int i = 0; i < 200; ++i) EXPECT_LT(sampler.sample(logits), 3);
}

TEST(SamplerTest, SameSeedSameTokens) {
  Rng rng(3);
  SamplerOptions options = plain_options();
  options.top_p = 0.9F;
  options.seed = 99;
  Sampler first(options, 50);
  Sampler second(options, 50);
  options.seed = 100;
  Sampler other(options, 50);
  int same_as_other = 0;
  for (int i = 0; i < 200; ++i) {
    const std::vector<float> logits = random_logits(rng, 50, 1.0);
    const int32_t id = first.sample(logits);
    EXPECT_EQ(id, second.sample(logits));
    same_as_other += id == other.sample(logits) ? 1 : 0;
  }
  EXPECT_LT(same_as_other, 100);
}

TEST(SamplerTest, PenaltiesForgetTokensThatLeftTheWindow) {
  SamplerOptions options;
  options.temperature = 0.0F;
  options.presence_penalty = 10.0F;
  options.penalty_window = 2;
  Sampler sampler(options, 4);
  const std::vector<float> logits{3, 2, 1, 0};
  EXPECT_EQ(sampler.sample(logits), 0);
  sampler.accept(0);
  EXPECT_EQ(sampler.sample(logits), 1);
  sampler.accept(1);
  EXPECT_EQ(sampler.sample(logits), 2);
  sampler.accept(2);
  EXPECT_EQ(sampler.sample(logits), 0);
}

TEST(SamplerTest, NumbersThatAreNoneAreErrors) {
  Sampler sampler(plain_options(), 3);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(sampler.sample(std::vector<float>{0, nan, 0}), Error);
  EXPECT_THROW(sampler.sample(std::vector<float>{0, kInfinity, 0}), Error);
  EXPECT_THROW(sampler.sample(std::vector<float>(3, -kInfinity)), Error);
}

TEST(SamplerTest, OptionsThatMakeNoSenseAreErrors) {
  const auto fails = [](auto change) {
    SamplerOptions options;
    change(options);
    EXPECT_THROW(Sampler(options, 4), Error);
  };
  fails([](SamplerOptions& o) { o.temperature = -1.0F; });
  fails([](SamplerOptions& o) { o.temperature = std::numeric_limits<float>::quiet_NaN(); });
  fails([](SamplerOptions& o) { o.top_k = -1; });
  fails([](SamplerOptions& o) { o.top_p = 0.0F; });
  fails([](SamplerOptions& o) { o.min_p = 1.5F; });
  fails([](SamplerOptions& o) { o.repetition_penalty = 0.0F; });
  fails([](SamplerOptions& o) { o.logit_bias = {{4, 1.0F}}; });
}

}  // namespace
}  // namespace onmal

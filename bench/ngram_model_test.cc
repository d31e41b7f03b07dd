#include "ngram_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/rng.h"

namespace onmal {
namespace {

constexpr int32_t kVocabulary = 20;  // three of them never occur

std::vector<int32_t> random_tokens(size_t count) {
  Rng rng(1);
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i) {
    tokens[i] = static_cast<int32_t>(
        i > 2 && rng.below(3) > 0 ? (tokens[i - 1] + tokens[i - 2]) % 17 : rng.below(17));
  }
  return tokens;
}

std::vector<int32_t> random_context(Rng& rng) {
  std::vector<int32_t> context(rng.below(8));
  for (int32_t& token : context) token = static_cast<int32_t>(rng.below(kVocabulary));
  return context;
}

using Ngram = std::vector<int32_t>;

// The same model straight from the definition, over sorted maps.
class ReferenceModel {
 public:
  ReferenceModel(const std::vector<int32_t>& tokens, int order)
      : counts_(static_cast<size_t>(order)), discounts_(static_cast<size_t>(order)) {
    for (size_t n = 1; n <= counts_.size(); ++n) {
      std::map<Ngram, std::set<int32_t>> left;  // distinct tokens before each n-gram
      for (size_t i = 0; i + n <= tokens.size(); ++i) {
        const Ngram ngram(&tokens[i], &tokens[i] + n);
        if (n == counts_.size()) ++counts_[n - 1][ngram];
        if (i > 0) left[ngram].insert(tokens[i - 1]);
      }
      if (n < counts_.size()) {
        for (const auto& [ngram, before] : left) {
          counts_[n - 1][ngram] = static_cast<double>(before.size());
        }
      }
      discounts_[n - 1] = discounts_of(counts_[n - 1]);
    }
  }

  double probability(const Ngram& context, int32_t token) const {
    double lower = 1.0 / kVocabulary;
    for (size_t n = 1; n <= counts_.size() && n - 1 <= context.size(); ++n) {
      Ngram ngram(context.end() - static_cast<std::ptrdiff_t>(n - 1), context.end());
      double total = 0;
      double freed = 0;
      for (int32_t next = 0; next < kVocabulary; ++next) {
        ngram.push_back(next);
        total += count(ngram);
        freed += discount(ngram);
        ngram.pop_back();
      }
      if (total == 0) break;
      ngram.push_back(token);
      lower = (std::max(0.0, count(ngram) - discount(ngram)) + freed * lower) / total;
    }
    return lower;
  }

 private:
  using Counts = std::map<Ngram, double>;

  static std::vector<double> discounts_of(const Counts& counts) {
    double times[5] = {};
    for (const auto& [ngram, count] : counts) {
      if (count <= 4) times[static_cast<int>(count)] += 1;
    }
    // Where nothing was seen so often: y = 1/2, a ratio of 0.
    const double once_or_twice = times[1] + 2 * times[2];
    const double y = once_or_twice > 0 ? times[1] / once_or_twice : 0.5;
    std::vector<double> discounts;
    for (int c = 1; c <= 3; ++c) {
      const double ratio = times[c] > 0 ? times[c + 1] / times[c] : 0.0;
      discounts.push_back(std::clamp(c - (c + 1) * y * ratio, 0.1, static_cast<double>(c)));
    }
    return discounts;
  }

  double count(const Ngram& ngram) const {
    const Counts& counts = counts_[ngram.size() - 1];
    const auto found = counts.find(ngram);
    return found == counts.end() ? 0 : found->second;
  }
  double discount(const Ngram& ngram) const {
    const double seen = count(ngram);
    if (seen == 0) return 0;
    return discounts_[ngram.size() - 1][static_cast<size_t>(std::min(seen, 3.0)) - 1];
  }

  std::vector<Counts> counts_;
  std::vector<std::vector<double>> discounts_;
};

TEST(NgramModelTest, ProbabilitiesAddUpToOne) {
  const NgramModel model(random_tokens(5000), kVocabulary, 5);
  Rng rng(2);
  for (int round = 0; round < 200; ++round) {
    const std::vector<int32_t> context = random_context(rng);
    double total = 0;
    for (int32_t token = 0; token < kVocabulary; ++token) {
      const double p = model.probability(context, token);
      EXPECT_GT(p, 0.0);
      total += p;
    }
    EXPECT_NEAR(total, 1.0, 1e-9);
  }
}

TEST(NgramModelTest, EqualsTheDefinition) {
  const std::vector<int32_t> tokens = random_tokens(3000);
  const NgramModel model(tokens, kVocabulary, 4);
  const ReferenceModel reference(tokens, 4);
  Rng rng(3);
  for (int round = 0; round < 500; ++round) {
    const size_t place = 8 + rng.below(tokens.size() - 8);  // seen contexts, and any
    std::vector<int32_t> context(tokens.data() + place - rng.below(6), tokens.data() + place);
    if (round % 2 == 0) context = random_context(rng);
    const auto token = static_cast<int32_t>(rng.below(kVocabulary));
    const double expected = reference.probability(context, token);
    EXPECT_NEAR(model.probability(context, token), expected, 1e-12 + 1e-9 * expected);
  }
}

TEST(NgramModelTest, LearnsARule) {
  std::vector<int32_t> tokens;
  for (int i = 0; i < 3000; ++i) tokens.push_back(i % 7);
  const NgramModel model(tokens, 10, 3);
  EXPECT_GT(model.probability(std::vector<int32_t>{3, 4}, 5), 0.95);
}

TEST(NgramModelTest, KnowsNothingWithoutText) {
  const NgramModel model({}, 8, 5);
  EXPECT_DOUBLE_EQ(model.probability(std::vector<int32_t>{1, 2}, 3), 0.125);
}

TEST(NgramModelTest, RefusesWhatMakesNoModel) {
  EXPECT_THROW(NgramModel({1, 2}, 3, 0), Error);
  EXPECT_THROW(NgramModel({1, 2}, 0, 2), Error);
  EXPECT_THROW(NgramModel({1, 9}, 9, 2), Error);
  EXPECT_THROW(NgramModel({-1}, 9, 2), Error);
}

}  // namespace
}  // namespace onmal

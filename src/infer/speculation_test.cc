#include "infer/speculation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "infer/count_allocations.h"
#include "infer/generator.h"
#include "infer/test_model.h"

namespace onmal {
namespace {

const auto drop_text = [](std::string_view) {};

GeneratorOptions plain_decoding() {
  GeneratorOptions options;
  options.speculation.draft_tokens = 0;
  return options;
}

GeneratorOptions always_guessing() {
  GeneratorOptions options;
  options.speculation.adaptive = false;
  return options;
}

// A text that repeats itself: its continuations by any model find matches.
std::vector<int32_t> repeating_prompt() {
  std::vector<int32_t> ids;
  for (int i = 0; i < 3; ++i) {
    for (const int32_t id : testing::random_ids(12, 5)) ids.push_back(id);
  }
  return ids;
}

GenerateOptions options_for(int64_t tokens, float temperature, uint64_t seed = 1) {
  GenerateOptions options;
  options.max_tokens = tokens;
  options.ignore_end = true;
  options.sampler.temperature = temperature;
  options.sampler.seed = seed;
  return options;
}

class SpeculationTest : public ::testing::Test {
 protected:
  ThreadPool pool_{2};
  LanguageModel model_ = testing::random_model(testing::small_config("llama"));
  std::vector<int32_t> prompt_ = repeating_prompt();

  GeneratorOptions drafting_with(const LanguageModel& draft) const {
    GeneratorOptions options = always_guessing();
    options.speculation.lookup = false;
    options.speculation.draft = &draft;
    return options;
  }
};

std::vector<SamplerOptions> sampler_settings() {
  std::vector<SamplerOptions> settings(5);
  settings[0].temperature = 0.0F;
  settings[1].top_k = 0;
  settings[1].top_p = 1.0F;
  settings[1].temperature = 1.3F;
  settings[2].min_p = 0.05F;
  settings[2].repetition_penalty = 1.2F;
  settings[3].top_p = 0.7F;
  settings[3].frequency_penalty = 0.3F;
  settings[3].penalty_window = 9;
  settings[4].logit_bias = {{'a', 6.0F}, {'b', 5.0F}};
  return settings;
}

// A pass of several tokens rounds otherwise than single ones: measured as 1e-6 of the largest
// logit, more where that flips the 8-bit rounding of an activation. So a text may differ once in a
// while.
TEST_F(SpeculationTest, TheSameSeedGivesTheTextOfPlainDecoding) {
  int64_t accepted = 0;
  int runs = 0;
  int differing = 0;
  const LanguageModel draft = testing::random_model(testing::small_config("llama"), DType::kQ8_0);
  for (const DType matrices : {DType::kF32, DType::kQ8_0}) {
    const LanguageModel model = testing::random_model(testing::small_config("llama"), matrices);
    Generator plain(model, pool_, plain_decoding());
    Generator lookup(model, pool_, always_guessing());
    Generator adaptive(model, pool_);
    Generator drafted(model, pool_, drafting_with(draft));
    for (const SamplerOptions& sampler : sampler_settings()) {
      for (uint64_t seed = 0; seed < 3; ++seed) {
        GenerateOptions options = options_for(80, 0);
        options.sampler = sampler;
        options.sampler.seed = seed;
        const GenerateResult expected = plain.generate(prompt_, options, drop_text);
        for (Generator* generator : {&lookup, &adaptive, &drafted}) {
          const GenerateResult result = generator->generate(prompt_, options, drop_text);
          ++runs;
          differing += result.ids == expected.ids ? 0 : 1;
          EXPECT_EQ(result.ids.size(), expected.ids.size());
          EXPECT_EQ(result.finish, expected.finish);
          EXPECT_LE(result.accepted_tokens, result.drafted_tokens);
          accepted += result.accepted_tokens;
        }
        EXPECT_EQ(expected.drafted_tokens, 0);
      }
    }
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_LE(differing, runs / 20) << "of " << runs;
}

// Runs another generator's tokens by hand, so that the passes' logits can be compared themselves.
TEST_F(SpeculationTest, LogitsBehindVerifiedTokensAreThoseOfSingleSteps) {
  Generator speculating(model_, pool_, always_guessing());
  const GenerateResult result = speculating.generate(prompt_, options_for(60, 0.0F), drop_text);
  ASSERT_GT(result.accepted_tokens, 10);
  Generator plain(model_, pool_, plain_decoding());
  plain.prefill(prompt_);
  for (size_t i = 0; i + 1 < result.ids.size(); ++i) plain.step(result.ids[i]);
  ASSERT_TRUE(std::ranges::equal(plain.cached_ids(), speculating.cached_ids()));
  const std::span<const float> expected = plain.step(result.ids.back());
  const std::vector<float> kept(expected.begin(), expected.end());
  const std::span<const float> found = speculating.step(result.ids.back());
  float largest = 0;
  float difference = 0;
  for (size_t i = 0; i < kept.size(); ++i) {
    largest = std::max(largest, std::abs(kept[i]));
    difference = std::max(difference, std::abs(kept[i] - found[i]));
  }
  EXPECT_LE(difference, 1e-4F * largest);
}

// Chi-square of two samples: the pairs of tokens behind a prompt, speculated and plain, from
// different seeds. A tiny vocabulary makes pairs frequent; the draft model is another random one.
double chi_square(const std::vector<double>& a, const std::vector<double>& b, int& freedom) {
  double sum = 0;
  freedom = -1;
  double rest_a = 0;
  double rest_b = 0;
  const auto add = [&](double x, double y) {
    sum += (x - y) * (x - y) / (x + y);
    ++freedom;
  };
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] + b[i] >= 20) {
      add(a[i], b[i]);
    } else {
      rest_a += a[i];
      rest_b += b[i];
    }
  }
  if (rest_a + rest_b >= 20) add(rest_a, rest_b);
  return sum;
}

TEST_F(SpeculationTest, PairsOfTokensHaveTheDistributionOfPlainDecoding) {
  constexpr int kRuns = 3000;
  const LanguageModel draft = testing::random_model(testing::small_config("llama"), DType::kF32, 2);
  GeneratorOptions both = drafting_with(draft);
  both.speculation.lookup = true;
  both.speculation.draft_tokens = 3;
  for (const int setting : {1, 2, 3, 4}) {
    GenerateOptions options = options_for(6, 1.0F);
    options.sampler = sampler_settings()[static_cast<size_t>(setting)];
    // Eight tokens, evenly enough.
    for (int32_t id = 0; id < 263; ++id) {
      if (id < 'a' || id > 'h') options.sampler.logit_bias.push_back({id, -1e30F});
    }
    options.sampler.temperature *= 6.0F;
    std::vector<std::vector<double>> counts(2, std::vector<double>(64, 0.0));
    int64_t accepted = 0;
    int64_t rejected = 0;
    for (int kind = 0; kind < 2; ++kind) {
      Generator generator(model_, pool_, kind == 0 ? plain_decoding() : both);
      for (int run = 0; run < kRuns; ++run) {
        options.sampler.seed = static_cast<uint64_t>(run + kind * 1000003);
        const GenerateResult result = generator.generate(prompt_, options, drop_text);
        const auto first = static_cast<size_t>(result.ids[3] - 'a');
        const auto second = static_cast<size_t>(result.ids[4] - 'a');
        counts[static_cast<size_t>(kind)][first * 8 + second] += 1;
        accepted += result.accepted_tokens;
        rejected += result.drafted_tokens - result.accepted_tokens;
      }
    }
    int freedom = 0;
    const double found = chi_square(counts[0], counts[1], freedom);
    // Wilson and Hilferty's approximation of the 0.999 quantile.
    const double spread = 2.0 / (9.0 * freedom);
    const double limit = freedom * std::pow(1 - spread + 3.09 * std::sqrt(spread), 3);
    EXPECT_LT(found, limit) << "setting " << setting << ", " << freedom << " degrees of freedom";
    EXPECT_GT(accepted, 300) << "setting " << setting;
    EXPECT_GT(rejected, 300) << "setting " << setting;
  }
}

TEST_F(SpeculationTest, EndsInsideAcceptedGuessesAsPlainDecodingDoes) {
  Generator plain(model_, pool_, plain_decoding());
  Generator speculating(model_, pool_, always_guessing());
  const GenerateResult whole = speculating.generate(prompt_, options_for(70, 0.0F), drop_text);
  ASSERT_GT(whole.accepted_tokens, 20);
  for (int64_t tokens = 1; tokens <= 70; ++tokens) {
    GenerateOptions options = options_for(tokens, 0.0F);
    const GenerateResult expected = plain.generate(prompt_, options, drop_text);
    std::string streamed;
    const GenerateResult result =
        speculating.generate(prompt_, options, [&](std::string_view part) { streamed += part; });
    EXPECT_EQ(result.ids, expected.ids);
    EXPECT_EQ(streamed, expected.text);
    ASSERT_TRUE(std::ranges::equal(speculating.cached_ids(), plain.cached_ids())) << tokens;
    EXPECT_EQ(speculating.room(), plain.room());
    // The same place as an end token, and as the end of a stop text.
    options = options_for(70, 0.0F);
    options.stop_ids = {whole.ids[static_cast<size_t>(tokens) - 1]};
    EXPECT_EQ(speculating.generate(prompt_, options, drop_text).ids,
              plain.generate(prompt_, options, drop_text).ids);
    ASSERT_TRUE(std::ranges::equal(speculating.cached_ids(), plain.cached_ids()));
    options.stop_ids.clear();
    if (expected.text.size() < 4) continue;
    options.stop_texts = {expected.text.substr(expected.text.size() - 3)};
    const GenerateResult stopped = speculating.generate(prompt_, options, drop_text);
    EXPECT_EQ(stopped.text, plain.generate(prompt_, options, drop_text).text);
    ASSERT_TRUE(std::ranges::equal(speculating.cached_ids(), plain.cached_ids()));
  }
}

TEST_F(SpeculationTest, TheContextEndsWhereItDoesInPlainDecoding) {
  for (const int64_t context : {37, 38, 41, 50}) {
    GeneratorOptions plain_options = plain_decoding();
    plain_options.context = context;
    GeneratorOptions options = always_guessing();
    options.context = context;
    Generator plain(model_, pool_, plain_options);
    Generator speculating(model_, pool_, options);
    const GenerateResult expected = plain.generate(prompt_, options_for(100, 0.0F), drop_text);
    const GenerateResult result = speculating.generate(prompt_, options_for(100, 0.0F), drop_text);
    EXPECT_EQ(result.ids, expected.ids);
    EXPECT_EQ(result.finish, FinishReason::kContextFull);
  }
}

TEST_F(SpeculationTest, AStopRequestInsideAGuessLeavesTheCacheRight) {
  Generator speculating(model_, pool_, always_guessing());
  std::stop_source stop;
  int64_t parts = 0;
  const GenerateResult cancelled = speculating.generate(
      prompt_, options_for(80, 0.0F),
      [&](std::string_view) {
        if (++parts == 20) stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(cancelled.finish, FinishReason::kCancelled);
  EXPECT_EQ(speculating.cached_ids().size(), prompt_.size() + cancelled.ids.size() - 1);
  EXPECT_EQ(speculating.generate(prompt_, options_for(80, 0.0F), drop_text).ids,
            Generator(model_, pool_, plain_decoding())
                .generate(prompt_, options_for(80, 0.0F), drop_text)
                .ids);
}

TEST_F(SpeculationTest, DecodingAllocatesNothingWithMatchesAndWithout) {
  Generator generator(model_, pool_, always_guessing());
  for (const float temperature : {0.0F, 2.0F}) {
    GenerateOptions options = options_for(80, temperature);
    options.sampler.top_k = 0;
    options.sampler.top_p = 1.0F;
    std::vector<int64_t> counts;
    counts.reserve(200);
    for (int round = 0; round < 3; ++round) generator.generate(prompt_, options, drop_text);
    generator.generate(prompt_, options,
                       [&](std::string_view) { counts.push_back(testing::allocations()); });
    ASSERT_GT(counts.size(), 10U);
    EXPECT_EQ(counts.back() - counts[2], 0) << temperature;
  }
}

TEST_F(SpeculationTest, ADraftModelWithAnotherVocabularyIsAnError) {
  DecoderConfig config = testing::small_config("llama");
  config.vocab_size -= 1;
  const LanguageModel smaller = testing::random_model(config);
  try {
    const Generator generator(model_, pool_, drafting_with(smaller));
    FAIL() << "another vocabulary was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("262 tokens, not 263"), std::string::npos)
        << error.what();
  }
}

TEST(DraftLengthTest, GuessesMoreWhereMoreComesTrueAndNothingWhereItDoesNotPay) {
  DraftLength length(15);
  length.measured(1, 1.0);
  EXPECT_EQ(length.best(0.99, 0.0, 15), 15);
  EXPECT_EQ(length.best(0.99, 0.0, 4), 4);
  const int64_t middle = length.best(0.5, 0.0, 15);
  EXPECT_GT(middle, 0);
  EXPECT_LT(middle, 6);
  EXPECT_EQ(length.best(0.05, 0.0, 15), 0);
  EXPECT_EQ(length.best(0.6, 1.0, 15), 0);  // guesses as dear as passes
  for (int64_t tokens = 2; tokens <= 16; ++tokens) {
    for (int i = 0; i < 50; ++i) length.measured(tokens, static_cast<double>(tokens));
  }
  EXPECT_EQ(length.best(0.95, 0.0, 15), 0);  // passes in which nothing is saved
}

}  // namespace
}  // namespace onmal

#include "infer/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "infer/count_allocations.h"
#include "infer/test_model.h"
#include "text/utf8.h"

namespace onmal {
namespace {

const auto ignore_text = [](std::string_view) {};

GenerateOptions greedy(int64_t max_tokens) {
  GenerateOptions options;
  options.max_tokens = max_tokens;
  options.sampler.temperature = 0.0F;
  options.ignore_end = true;
  return options;
}

class GeneratorTest : public ::testing::Test {
 protected:
  ThreadPool pool_{2};
  LanguageModel model_ = testing::random_model(testing::small_config("llama"));
  std::vector<int32_t> prompt_ = testing::random_ids(20, 5);
};

TEST_F(GeneratorTest, AStepAllocatesNothing) {
  for (const DType matrices : {DType::kF32, DType::kF16, DType::kQ8_0}) {
    for (const char* architecture : {"llama", "qwen3", "gpt2"}) {
      LanguageModel model = testing::random_model(testing::small_config(architecture), matrices);
      Generator generator(model, pool_);
      generator.prefill(prompt_);
      for (int32_t id = 0; id < 4; ++id) generator.step(id);
      const int64_t before = testing::allocations();
      for (int32_t id = 0; id < 90; ++id) generator.step(id);
      EXPECT_EQ(testing::allocations() - before, 0)
          << architecture << " " << dtype_info(matrices).name;
    }
  }
}

TEST_F(GeneratorTest, SamplingAndStreamingAllocateNothing) {
  GenerateOptions options = greedy(100);
  options.sampler = {};
  options.sampler.repetition_penalty = 1.1F;
  options.sampler.min_p = 0.01F;
  options.stop_texts = {"no such text"};
  Generator generator(model_, pool_);
  generator.generate(prompt_, options, ignore_text);
  std::vector<int64_t> counts;
  counts.reserve(200);
  // What grows while tokens come, seen from the callback.
  const auto count = [&](std::string_view) { counts.push_back(testing::allocations()); };
  generator.generate(prompt_, options, count);
  ASSERT_GT(counts.size(), 20U);
  EXPECT_EQ(counts.back() - counts[2], 0);
}

TEST_F(GeneratorTest, SameSeedSameTextWithOneThreadAndTwo) {
  GenerateOptions options;
  options.max_tokens = 60;
  options.ignore_end = true;
  options.sampler.seed = 11;
  ThreadPool one(1);
  const GenerateResult a = Generator(model_, pool_).generate(prompt_, options, ignore_text);
  const GenerateResult b = Generator(model_, one).generate(prompt_, options, ignore_text);
  options.sampler.seed = 12;
  const GenerateResult c = Generator(model_, one).generate(prompt_, options, ignore_text);
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.text, b.text);
  EXPECT_NE(a.ids, c.ids);
  EXPECT_EQ(a.ids.size(), 60U);
  EXPECT_EQ(a.finish, FinishReason::kMaxTokens);
}

TEST_F(GeneratorTest, StreamedPartsAreWholeCharactersAndMakeTheText) {
  GenerateOptions options = greedy(100);
  options.sampler.temperature = 2.0F;
  std::string streamed;
  const GenerateResult result =
      Generator(model_, pool_).generate(prompt_, options, [&](std::string_view part) {
        EXPECT_EQ(find_invalid_utf8(part), std::string::npos);
        streamed += part;
      });
  EXPECT_EQ(streamed, result.text);
  EXPECT_FALSE(streamed.empty());
}

TEST_F(GeneratorTest, ReusingAPrefixGivesTheSameAnswer) {
  Generator generator(model_, pool_);
  const GenerateResult first = generator.generate(prompt_, greedy(15), ignore_text);
  std::vector<int32_t> longer = prompt_;
  longer.insert(longer.end(), first.ids.begin(), first.ids.end());
  longer.push_back(65);
  const GenerateResult second = generator.generate(longer, greedy(15), ignore_text);
  EXPECT_EQ(second.cached_tokens, 34);  // all but the last sampled token and the new one
  EXPECT_EQ(second.ids, Generator(model_, pool_).generate(longer, greedy(15), ignore_text).ids);
  const GenerateResult again = generator.generate(longer, greedy(15), ignore_text);
  EXPECT_EQ(again.cached_tokens, static_cast<int64_t>(longer.size()) - 1);
  EXPECT_EQ(again.ids, second.ids);
}

TEST_F(GeneratorTest, EndTokensAndStopTextsEndTheAnswer) {
  Generator generator(model_, pool_);
  const GenerateResult free = generator.generate(prompt_, greedy(40), ignore_text);
  GenerateOptions options = greedy(40);
  options.stop_ids = {free.ids[5]};
  const GenerateResult stopped = generator.generate(prompt_, options, ignore_text);
  EXPECT_EQ(stopped.finish, FinishReason::kEndToken);
  const auto first = std::find(free.ids.begin(), free.ids.end(), free.ids[5]);
  EXPECT_EQ(stopped.ids, std::vector<int32_t>(free.ids.begin(), first + 1));

  // Forbid all but 'a' and 'b', then stop at a text across tokens.
  options = greedy(100);
  options.sampler.temperature = 1.0F;
  options.sampler.seed = 2;
  for (int32_t id = 0; id < 263; ++id) {
    if (id != 'a' && id != 'b') options.sampler.logit_bias.push_back({id, -1e30F});
  }
  options.stop_texts = {"abba"};
  std::string streamed;
  const GenerateResult text =
      generator.generate(prompt_, options, [&](std::string_view part) { streamed += part; });
  EXPECT_EQ(streamed, text.text);
  EXPECT_EQ(streamed.find("abba"), std::string::npos);
  if (text.finish == FinishReason::kStopText) {
    EXPECT_EQ(text.text.size() + 4, text.ids.size());
  } else {
    EXPECT_EQ(text.text.size(), 100U);
  }
}

TEST_F(GeneratorTest, TheContextIsALimitWithNumbers) {
  Generator generator(model_, pool_, {.matmul = MatmulPrecision::kF32, .context = 32});
  const std::vector<int32_t> ids = testing::random_ids(40, 1);
  try {
    generator.generate(ids, greedy(5), ignore_text);
    FAIL() << "40 tokens fitted into 32";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResource);
    EXPECT_NE(std::string(error.what()).find("8 too many"), std::string::npos) << error.what();
  }
  const GenerateResult full = generator.generate(prompt_, greedy(100), ignore_text);
  EXPECT_EQ(full.finish, FinishReason::kContextFull);
  EXPECT_EQ(full.ids.size(), 13U);  // 12 more fit; the last one needs no room
  EXPECT_THROW(generator.generate({}, greedy(5), ignore_text), Error);
}

TEST_F(GeneratorTest, AStopRequestEndsTheAnswerAndLeavesTheCacheRight) {
  Generator generator(model_, pool_, {.prefill_chunk = 4});
  std::stop_source stop;
  int parts = 0;
  GenerateOptions options = greedy(90);
  const GenerateResult cancelled = generator.generate(
      prompt_, options,
      [&](std::string_view) {
        if (++parts == 3) stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(cancelled.finish, FinishReason::kCancelled);
  EXPECT_LT(cancelled.ids.size(), 90U);
  const GenerateResult after = generator.generate(prompt_, options, ignore_text);
  EXPECT_EQ(
      after.ids,
      Generator(model_, pool_, {.prefill_chunk = 4}).generate(prompt_, options, ignore_text).ids);
  const GenerateResult at_once =
      generator.generate(testing::random_ids(30, 8), options, ignore_text, stop.get_token());
  EXPECT_EQ(at_once.finish, FinishReason::kCancelled);
  EXPECT_TRUE(at_once.ids.empty());
}

TEST_F(GeneratorTest, PackedWeightsAreMadeOnceForAllGenerators) {
  const Backend backend = make_cpu_backend();
  const auto first = model_.packing->get(*model_.decoder, false, backend, pool_, PackedFor::kOne);
  EXPECT_EQ(first, model_.packing->get(*model_.decoder, false, backend, pool_, PackedFor::kOne));
  const Generator one(model_, pool_);
  const Generator two(model_, pool_);
  EXPECT_EQ(first.use_count(), 4);
}

TEST_F(GeneratorTest, WholeBytesArePackedForManySequencesOnly) {
  const Backend backend = make_cpu_backend();
  const auto bytes_packed = [&](DType matrices, PackedFor sequences) {
    const LanguageModel model = testing::random_model(testing::small_config("llama"), matrices);
    return model.packing->get(*model.decoder, false, backend, pool_, sequences)->bytes();
  };
  EXPECT_EQ(bytes_packed(DType::kQ8_0, PackedFor::kOne), 0);
  const LanguageModel model = testing::random_model(testing::small_config("llama"), DType::kQ4_0);
  const auto get = [&](PackedFor sequences) {
    return model.packing->get(*model.decoder, false, backend, pool_, sequences);
  };
  EXPECT_EQ(get(PackedFor::kOne), get(PackedFor::kMany));
  const Isa isa = detect_isa();
  if (isa != Isa::kAvx2 && isa != Isa::kAvx512) return;  // packs nothing at all
  EXPECT_GT(bytes_packed(DType::kQ8_0, PackedFor::kMany), 0);
  EXPECT_GT(bytes_packed(DType::kQ4_0, PackedFor::kOne), 0);
}

TEST_F(GeneratorTest, AModelWithoutATokenizerIsAnError) {
  model_.tokenizer = nullptr;
  Generator generator(model_, pool_);
  EXPECT_THROW(generator.generate(prompt_, greedy(1), ignore_text), Error);
}

}  // namespace
}  // namespace onmal

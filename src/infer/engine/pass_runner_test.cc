// Sequences computed together against the same ones alone, and against a Generator.
#include "infer/engine/pass_runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "infer/test_model.h"

namespace onmal {
namespace {

struct EngineCase {
  const char* architecture;
  DType matrices = DType::kF32;
  int64_t window = 0;
  MatmulPrecision matmul = MatmulPrecision::kF32;
  DType cache_type = DType::kF32;
  double bound = 1e-4;  // of the largest logit, to a Generator's
  bool exact = true;    // alone and in company
};

std::string engine_case_name(const ::testing::TestParamInfo<EngineCase>& tested) {
  const EngineCase& one = tested.param;
  return std::string(one.architecture) + "_" + std::string(dtype_info(one.matrices).name) +
         (one.window > 0 ? "_window" : "") + (one.matmul == MatmulPrecision::kInt8 ? "_int8" : "") +
         (one.cache_type == DType::kF32 ? ""
                                        : "_cache_" + std::string(dtype_info(one.cache_type).name));
}

using Logits = std::vector<float>;

// One text being read in chunks, then written on with tokens that are given.
struct Text {
  std::vector<int32_t> ids;
  int64_t prompt = 0;
  int64_t chunk = 1;
  int64_t starts_at = 0;  // pass
};

class PassRunnerTest : public ::testing::TestWithParam<EngineCase> {
 protected:
  PassRunnerTest() {
    DecoderConfig config = testing::small_config(GetParam().architecture);
    config.max_positions = 512;
    config.window = GetParam().window;
    model_ = testing::random_model(config, GetParam().matrices);
    options_.matmul = GetParam().matmul;
    options_.cache_type = GetParam().cache_type;
    options_.speculation.draft_tokens = 0;
  }

  // Logits behind each text's prompt and each token behind it, all texts going on together.
  std::vector<std::vector<Logits>> run(const std::vector<Text>& texts) {
    PassRunner runner(model_, pool_, options_, 4096);
    std::vector<std::unique_ptr<PagedSequence>> sequences;
    for (size_t i = 0; i < texts.size(); ++i)
      sequences.push_back(std::make_unique<PagedSequence>(runner.pages(), runner.context()));
    std::vector<std::vector<Logits>> all(texts.size());
    for (int64_t pass = 0;; ++pass) {
      std::vector<PassRunner::Stretch> stretches;
      std::vector<size_t> wanting;
      bool left = false;
      for (const bool reads : {false, true}) {
        for (size_t i = 0; i < texts.size(); ++i) {
          const Text& text = texts[i];
          PagedSequence& sequence = *sequences[i];
          const int64_t at = sequence.length();
          const auto length = static_cast<int64_t>(text.ids.size());
          left = left || at < length;
          if (pass < text.starts_at || at == length || reads != (at < text.prompt)) continue;
          const int64_t count = reads ? std::min(text.chunk, text.prompt - at) : 1;
          while (sequence.room() < at + count) sequence.add(*runner.pages().take());
          const bool wants = at + count >= text.prompt;
          stretches.push_back(
              {&sequence,
               std::span(text.ids).subspan(static_cast<size_t>(at), static_cast<size_t>(count)),
               reads, wants});
          if (wants) wanting.push_back(i);
        }
      }
      if (!left) break;
      const std::span<const float> logits = runner.run(stretches);
      const auto width = static_cast<size_t>(runner.vocab_size());
      EXPECT_EQ(logits.size(), wanting.size() * width);
      for (size_t row = 0; row < wanting.size(); ++row) {
        const std::span<const float> own = logits.subspan(row * width, width);
        all[wanting[row]].emplace_back(own.begin(), own.end());
      }
    }
    const int64_t pages = runner.pages().pages();
    sequences.clear();
    EXPECT_EQ(runner.pages().free_pages(), pages);
    return all;
  }

  std::vector<Text> texts() const {
    return {{testing::random_ids(300, 1), 260, 64, 0}, {testing::random_ids(40, 2), 1, 64, 2},
            {testing::random_ids(150, 3), 131, 50, 1}, {testing::random_ids(45, 4), 5, 3, 3},
            {testing::random_ids(170, 5), 140, 7, 0},  {testing::random_ids(30, 6), 20, 20, 6}};
  }

  ThreadPool pool_{2};
  LanguageModel model_;
  GeneratorOptions options_;
};

double difference(const Logits& got, std::span<const float> want) {
  double most = 0;
  double largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
    largest = std::max(largest, std::abs(static_cast<double>(want[i])));
  }
  EXPECT_GT(largest, 0.1);
  return most / largest;
}

TEST_P(PassRunnerTest, ASequenceIsTheSameAloneAndInCompany) {
  const std::vector<Text> all = texts();
  const std::vector<std::vector<Logits>> together = run(all);
  for (size_t i = 0; i < all.size(); ++i) {
    Text alone = all[i];
    alone.chunk = 33;  // cut elsewhere
    const std::vector<Logits> want = run({alone})[0];
    ASSERT_EQ(together[i].size(), want.size());
    for (size_t row = 0; row < want.size(); ++row) {
      if (!GetParam().exact) {
        EXPECT_LE(difference(together[i][row], want[row]), GetParam().bound) << i << " " << row;
        continue;
      }
      ASSERT_EQ(
          std::memcmp(together[i][row].data(), want[row].data(), want[row].size() * sizeof(float)),
          0)
          << "text " << i << " row " << row << ": " << difference(together[i][row], want[row]);
    }
  }
}

TEST_P(PassRunnerTest, ASequenceIsWhatAGeneratorMakesOfIt) {
  const std::vector<Text> all = texts();
  const std::vector<std::vector<Logits>> together = run(all);
  options_.context = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    Generator generator(model_, pool_, options_);
    const auto prompt = static_cast<size_t>(all[i].prompt);
    double sum = 0;
    for (size_t row = 0; row < together[i].size(); ++row) {
      const std::span<const float> want =
          row == 0 ? generator.prefill(std::span(all[i].ids).first(prompt))
                   : generator.step(all[i].ids[prompt + row - 1]);
      const double found = difference(together[i][row], want);
      EXPECT_LE(found, GetParam().bound) << "text " << i << " row " << row;
      sum += found;
    }
    EXPECT_LE(sum / static_cast<double>(together[i].size()), GetParam().bound / 2);
  }
}

constexpr auto kInt8 = MatmulPrecision::kInt8;
INSTANTIATE_TEST_SUITE_P(
    Models, PassRunnerTest,
    ::testing::Values(
        EngineCase{"llama"}, EngineCase{"qwen3"}, EngineCase{"gpt2"},
        EngineCase{"gemma3", DType::kF32, 9}, EngineCase{"llama", DType::kF32, 150},
        EngineCase{"phi3"}, EngineCase{"exaone4", DType::kF32, 9}, EngineCase{"stablelm"},
        EngineCase{"granite"}, EngineCase{"llama", DType::kF16}, EngineCase{"llama", DType::kQ8_0},
        EngineCase{"llama", DType::kQ8_0, 0, kInt8, DType::kF32, 3e-2},
        EngineCase{"qwen3", DType::kQ4_0, 0, kInt8, DType::kF16, 5e-2},
        EngineCase{"llama", DType::kF16, 0, kInt8, DType::kF16, 4e-3},
        EngineCase{"llama", DType::kF32, 0, MatmulPrecision::kF32, DType::kF16, 2e-3},
        EngineCase{"qwen3", DType::kF32, 0, MatmulPrecision::kF32, DType::kQ8_0, 3e-2},
        EngineCase{"qwen2moe", DType::kF32, 0, MatmulPrecision::kF32, DType::kF32, 1e-4, false}),
    engine_case_name);

}  // namespace
}  // namespace onmal

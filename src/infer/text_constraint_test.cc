#include "infer/text_constraint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "infer/generator.h"
#include "infer/test_model.h"

namespace onmal {
namespace {

// Texts over the given bytes, whose length is a multiple of `period`.
class OnlyBytes : public TextConstraint {
 public:
  OnlyBytes(std::string bytes, int32_t period) : bytes_(std::move(bytes)), period_(period) {}
  int32_t start() const override { return 0; }
  int32_t next(int32_t state, uint8_t byte) const override {
    if (bytes_.find(static_cast<char>(byte)) == std::string::npos) return kDead;
    return (state + 1) % period_;
  }
  bool may_end(int32_t state) const override { return state == 0; }

 private:
  std::string bytes_;
  int32_t period_;
};

std::set<std::string> allowed(TokenMask& mask, const Tokenizer& tokenizer) {
  std::set<std::string> pieces;
  const std::vector<float> logits(static_cast<size_t>(tokenizer.vocab_size()), 1.0F);
  const std::span<const float> masked = mask.apply(logits);
  for (size_t i = 0; i < masked.size(); ++i) {
    if (std::isfinite(masked[i])) pieces.emplace(tokenizer.piece(static_cast<int32_t>(i)));
  }
  return pieces;
}

TEST(TokenMask, TokensOfSeveralBytesAreReadByteByByte) {
  const testing::ByteTokenizer tokenizer;
  const OnlyBytes constraint("the ", 3);
  TokenMask mask(tokenizer, constraint, tokenizer.vocab_size());
  using Pieces = std::set<std::string>;
  EXPECT_EQ(allowed(mask, tokenizer), (Pieces{"t", "h", "e", " ", "the", "<end>"}));
  mask.accept(tokenizer.find("t"));
  EXPECT_EQ(allowed(mask, tokenizer), (Pieces{"t", "h", "e", " ", "the"}));
  mask.accept(tokenizer.find("the"));
  mask.accept(tokenizer.find("h"));
  mask.accept(tokenizer.find("e"));
  EXPECT_TRUE(allowed(mask, tokenizer).contains("<end>"));
}

TEST(TokenMask, WhereNothingMayComeTheAnswerEnds) {
  const testing::ByteTokenizer tokenizer;
  const OnlyBytes constraint("", 2);
  TokenMask mask(tokenizer, constraint, tokenizer.vocab_size());
  EXPECT_EQ(allowed(mask, tokenizer), (std::set<std::string>{"<end>"}));
}

TEST(TokenMask, AnswersKeepToItWithAndWithoutSpeculation) {
  const LanguageModel model = testing::random_model(testing::small_config("llama"));
  ThreadPool pool(1);
  const OnlyBytes constraint("ab", 4);
  const std::vector<int32_t> prompt = model.tokenizer->encode("ababababab");
  for (const float temperature : {0.0F, 1.0F}) {
    std::string texts[2];
    for (const int64_t drafts : {0, 4}) {
      GeneratorOptions options;
      options.matmul = MatmulPrecision::kF32;
      options.speculation.draft_tokens = drafts;
      options.speculation.adaptive = false;
      Generator generator(model, pool, options);
      GenerateOptions how;
      how.max_tokens = 40;
      how.sampler.temperature = temperature;
      how.sampler.seed = 5;
      how.constraint = &constraint;
      const GenerateResult result = generator.generate(prompt, how, [](std::string_view) {});
      EXPECT_EQ(result.text.find_first_not_of("ab"), std::string::npos) << result.text;
      if (result.finish == FinishReason::kEndToken) {
        EXPECT_EQ(result.text.size() % 4, 0U);
      }
      EXPECT_FALSE(result.ids.empty());
      if (drafts > 0) {
        EXPECT_GT(result.drafted_tokens, 0);
      }
      texts[drafts > 0 ? 1 : 0] = result.text;
    }
    EXPECT_EQ(texts[0], texts[1]);
  }
}

}  // namespace
}  // namespace onmal

#include "models/ngram_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/byte_reader.h"
#include "base/error.h"
#include "base/rng.h"

namespace onmal {
namespace {

NgramConfig characters_alone(int32_t most) {
  NgramConfig config;
  config.characters = most;
  config.jamo = config.words = 0;
  config.bucket_bits = 22;
  return config;
}

TEST(NgramBuckets, AreTheDifferentStretchesOfTheText) {
  const std::string text = "abab cab";
  const std::string spaced = " " + text + " ";
  std::set<std::string> stretches;
  for (size_t i = 0; i < spaced.size(); ++i)
    for (size_t n = 1; n <= 3 && i + n <= spaced.size(); ++n) stretches.insert(spaced.substr(i, n));
  EXPECT_EQ(ngram_buckets(text, characters_alone(3)).size(), stretches.size());
  EXPECT_EQ(ngram_buckets("AbaB   cab\n", characters_alone(3)),
            ngram_buckets(text, characters_alone(3)));
}

TEST(NgramBuckets, KindsAreApart) {
  NgramConfig config = characters_alone(0);
  config.words = 2;
  EXPECT_EQ(ngram_buckets("정말 재미있다! 정말", config).size(), 4U);  // 2 words, 2 pairs
  config.words = 0;
  config.stems = 1;
  EXPECT_EQ(ngram_buckets("학교에서 학교는", config).size(), 1U);
  config.stems = 0;
  config.jamo = config.jamo_least = 3;
  // ␣ㄱㅏㄴ␣: three stretches; a stretch over the edge of syllables is one of letters.
  EXPECT_EQ(ngram_buckets("간", config).size(), 3U);
  const auto shared = [&](const char* a, const char* b) {
    const auto x = ngram_buckets(a, config), y = ngram_buckets(b, config);
    std::vector<uint32_t> both;
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
    return both.size();
  };
  EXPECT_GT(shared("갔다", "갓다"), 0U);
  config.lookalikes = 1;
  EXPECT_EQ(ngram_buckets("댕댕이", config), ngram_buckets("멍멍이", config));
  EXPECT_THROW(characters_alone(0).validate("x"), Error);
}

NgramPart random_part(size_t outputs) {
  const NgramConfig config = [] {
    NgramConfig c = characters_alone(3);
    c.bucket_bits = 10;
    return c;
  }();
  Rng rng(3);
  std::vector<float> weights((size_t{1} << 10) * outputs), biases(outputs);
  for (float& w : weights)
    w = rng.uniform() < 0.5 ? 0.0F : static_cast<float>(rng.uniform()) - 0.5F;
  for (float& b : biases) b = static_cast<float>(rng.uniform());
  NgramPart part;
  part.model = NgramModel(config, weights, biases);
  for (size_t k = 0; k < outputs; ++k)
    part.rules.push_back({0.5F, 2.0F, 0.25F * static_cast<float>(k), 0.3F});
  part.at_least_one = outputs > 1;
  return part;
}

TEST(NgramModel, LogitsAreThoseOfTheWeights) {
  NgramConfig config = characters_alone(2);
  Rng rng(5);
  std::vector<float> weights(size_t{1} << config.bucket_bits);
  const std::vector<uint32_t> buckets = ngram_buckets("hello", config);
  double sum = 0;
  for (const uint32_t bucket : buckets) {
    weights[bucket] = static_cast<float>(rng.uniform()) - 0.5F;
    sum += static_cast<double>(weights[bucket]);
  }
  const NgramModel model(config, weights, std::vector<float>{0.75F});
  EXPECT_NEAR(model.logits("hello")[0], 0.75 + sum / std::sqrt(static_cast<double>(buckets.size())),
              0.02);
  EXPECT_EQ(model.logits("")[0], model.logits(" ")[0]);
}

TEST(NgramPart, SurvivesItsBytesAndRefusesDamagedOnes) {
  for (const size_t outputs : {1U, 4U}) {
    const NgramPart part = random_part(outputs);
    const std::string bytes = part.bytes();
    const NgramPart read = NgramPart::parse(bytes, "x", outputs);
    const std::vector<float> head =
        outputs == 1 ? std::vector<float>{1.0F, 2.0F} : std::vector<float>{0.5F, -1.0F, 2.0F, 0.0F};
    EXPECT_EQ(read.mix(head, "some text"), part.mix(head, "some text"));
    EXPECT_EQ(read.bytes(), bytes);
    EXPECT_THROW(NgramPart::parse(bytes, "x", outputs + 1), Error);
    Rng rng(7);
    for (int i = 0; i < 300; ++i) {
      std::string damaged = bytes;
      damaged[rng.below(damaged.size())] ^= static_cast<char>(1 + rng.below(255));
      EXPECT_THROW(NgramPart::parse(damaged, "x", outputs), Error);
      EXPECT_THROW(NgramPart::parse(bytes.substr(0, rng.below(bytes.size())), "x", outputs), Error);
    }
    EXPECT_THROW(NgramPart::parse(bytes + "x", "x", outputs), Error);
  }
}

// Bytes whose checksum does not help: each is a model or an error, never more.
TEST(NgramModel, ReadsAnyBytesOrRefuses) {
  std::string bytes;
  random_part(2).model.write(bytes);
  Rng rng(9);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes.substr(0, bytes.size() - rng.below(2) * rng.below(bytes.size()));
    for (uint64_t flips = rng.below(3); flips > 0; --flips)
      damaged[rng.below(std::min<size_t>(damaged.size(), 64))] = static_cast<char>(rng.below(256));
    try {
      ByteFront front(damaged, "x", "");
      NgramModel::read(front).logits("some text");
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 200);
}

TEST(NgramPart, SaysLabelsAboveTheirThresholds) {
  NgramPart part = random_part(3);
  part.rules[1].threshold = 0.6F;
  EXPECT_EQ(part.said(std::vector<float>{0.3F, 0.5F, 0.1F}),
            (std::vector<bool>{true, false, false}));
  EXPECT_EQ(part.said(std::vector<float>{0.1F, 0.5F, 0.2F}),
            (std::vector<bool>{false, true, false}));
  part.at_least_one = false;
  EXPECT_EQ(part.said(std::vector<float>{0.1F, 0.5F, 0.2F}),
            (std::vector<bool>{false, false, false}));
  // The last label and another do not go together: the one further above its threshold stays.
  part.exclusive = 2;
  EXPECT_EQ(part.said(std::vector<float>{0.5F, 0.1F, 0.9F}),
            (std::vector<bool>{false, false, true}));
  EXPECT_EQ(part.said(std::vector<float>{0.5F, 0.7F, 0.4F}),
            (std::vector<bool>{true, true, false}));
  const NgramPart pair = random_part(1);
  const std::vector<float> mixed = pair.mix(std::vector<float>{1.0F, 3.0F}, "text");
  EXPECT_EQ(mixed[0], 0.0F);
  EXPECT_NEAR(mixed[1], 0.5 * 2 + 2 * pair.model.logits("text")[0], 1e-5);
}

}  // namespace
}  // namespace onmal

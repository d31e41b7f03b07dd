#include "models/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "autograd/tape.h"
#include "base/error.h"
#include "models/encoder_testing.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

using testing::randomize;
using testing::relative_difference;
using testing::small_encoder;
using testing::small_pair;
using testing::value_of;

// A model as the gradient checks see it.
struct Tested {
  std::function<void(ParamVisitor)> visit;
  std::function<void(bool)> set_trained;
  std::function<Tensor(Exec&, bool checkpointed)> run;
};

// Two rows of which the second is shorter.
EncoderInput padded_input(Allocator& memory) {
  EncoderInput input;
  input.ids = testing::random_ids(memory, 2, 9, 5);
  input.key_ends = make_key_ends(memory, std::vector<int64_t>{9, 6}, 9);
  return input;
}

Tested tested_encoder(const std::string& name, Allocator& memory, DType dtype) {
  const auto encoder = std::make_shared<Encoder>(small_encoder(name));
  randomize(*encoder, memory, dtype);
  EncoderInput input = padded_input(memory);
  return {[=](ParamVisitor visitor) { encoder->visit(visitor); },
          [=](bool trained) { encoder->set_trained(trained); },
          [=](Exec& exec, bool checkpointed) {
            EncoderInput copy = input;
            copy.checkpoint_activations = checkpointed;
            return encoder->forward(exec, copy);
          }};
}

Tested tested_pair(const std::string& name, Allocator& memory, DType dtype) {
  const auto network = std::make_shared<EncoderDecoder>(small_pair(name));
  randomize(*network, memory, dtype);
  EncoderInput input = padded_input(memory);
  const Tensor written = testing::random_ids(memory, 2, 7, 6);
  const Tensor ends = make_key_ends(memory, std::vector<int64_t>{9, 6}, 7);
  return {[=](ParamVisitor visitor) { network->visit(visitor); },
          [=](bool trained) { network->set_trained(trained); },
          [=](Exec& exec, bool checkpointed) {
            EncoderInput copy = input;
            copy.checkpoint_activations = checkpointed;
            const Tensor source = network->encode(exec, copy);
            return network->logits(
                exec, network->decode(exec, written, source, ends, nullptr, checkpointed));
          }};
}

Tested make_tested(const std::string& name, Allocator& memory, DType dtype) {
  if (name.starts_with("pair_")) return tested_pair(name.substr(5), memory, dtype);
  return tested_encoder(name, memory, dtype);
}

GradStore gradients_of(Exec exec, const Tested& model, bool checkpointed) {
  Tape tape;
  GradStore gradients;
  exec.tape = &tape;
  model.set_trained(true);
  const Tensor output = model.run(exec, checkpointed);
  tape.backward(exec, output, testing::make_seed(output, *exec.memory), gradients);
  model.set_trained(false);
  return gradients;
}

class EncoderFamilyTest : public ::testing::TestWithParam<const char*> {
 protected:
  ThreadPool pool_{2};
  HeapAllocator memory_;
};

TEST_P(EncoderFamilyTest, WholeModelGradientsMatchFiniteDifferencesInDouble) {
  const Backend backend = make_plain_backend();
  Exec exec{&pool_, &memory_, &backend};
  const Tested model = make_tested(GetParam(), memory_, DType::kF64);
  const GradStore gradients = gradients_of(exec, model, false);
  Rng rng(3);
  uint32_t tag = 0;
  model.visit([&](Param& param) {
    const Tensor gradient = gradients.find(++tag);
    ASSERT_TRUE(gradient.defined()) << param.name;
    for (int probe = 0; probe < 2; ++probe) {
      const auto i = static_cast<int64_t>(rng.below(static_cast<uint64_t>(param.value.elements())));
      constexpr double kStep = 1e-5;
      const double original = param.value.f64()[i];
      param.value.f64()[i] = original + kStep;
      const double above = testing::weighted_sum(model.run(exec, false), memory_);
      param.value.f64()[i] = original - kStep;
      const double below = testing::weighted_sum(model.run(exec, false), memory_);
      param.value.f64()[i] = original;
      const double numeric = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient.f64()[i], numeric, 1e-6 + 1e-5 * std::abs(numeric))
          << param.name << "[" << i << "]";
    }
  });
}

TEST_P(EncoderFamilyTest, ProcessorAgreesWithPlainLoops) {
  const Backend plain = make_plain_backend();
  const Backend cpu = make_cpu_backend();
  Exec plain_exec{&pool_, &memory_, &plain};
  CachingAllocator cache;
  Exec cpu_exec{&pool_, &cache, &cpu};
  const Tested reference = make_tested(GetParam(), memory_, DType::kF64);
  const Tested tested = make_tested(GetParam(), memory_, DType::kF32);
  EXPECT_LE(relative_difference(tested.run(cpu_exec, false), reference.run(plain_exec, false)),
            1e-5);
  const GradStore expected = gradients_of(plain_exec, reference, false);
  const GradStore actual = gradients_of(cpu_exec, tested, false);
  // Gradients are held to the largest of all: a key's bias has none but rounding's.
  double largest = 0;
  std::vector<std::pair<std::string, double>> differences;
  uint32_t tag = 0;
  reference.visit([&](Param& param) {
    const Tensor want = expected.find(++tag);
    const Tensor got = actual.find(tag);
    double difference = 0;
    for (int64_t i = 0; i < want.elements(); ++i) {
      largest = std::max(largest, std::abs(value_of(want, i)));
      difference = std::max(difference, std::abs(value_of(want, i) - value_of(got, i)));
    }
    differences.emplace_back(param.name, difference);
  });
  for (const auto& [name, difference] : differences) EXPECT_LE(difference, 3e-5 * largest) << name;
}

TEST_P(EncoderFamilyTest, CheckpointedActivationsGiveTheSameBits) {
  const Backend cpu = make_cpu_backend();
  CachingAllocator cache;
  Exec exec{&pool_, &cache, &cpu};
  const Tested model = make_tested(GetParam(), memory_, DType::kF32);
  const GradStore kept = gradients_of(exec, model, false);
  const GradStore recomputed = gradients_of(exec, model, true);
  uint32_t tag = 0;
  model.visit([&](Param& param) {
    const Tensor a = kept.find(++tag);
    const Tensor b = recomputed.find(tag);
    EXPECT_TRUE(std::equal(a.f32(), a.f32() + a.elements(), b.f32())) << param.name;
  });
}

INSTANTIATE_TEST_SUITE_P(Families, EncoderFamilyTest,
                         ::testing::Values("bert", "roberta", "nomic", "jina", "t5", "umt5",
                                           "pair_t5", "pair_umt5", "pair_marian"),
                         [](const auto& tested) { return std::string(tested.param); });

class EncoderBatchTest : public EncoderFamilyTest {};

// Three texts alone, padded to one batch, and packed into one row.
TEST_P(EncoderBatchTest, PaddingAndPackingChangeNothing) {
  const Backend cpu = make_cpu_backend();
  Exec exec{&pool_, &memory_, &cpu};
  Encoder encoder(small_encoder(GetParam()));
  randomize(encoder, memory_, DType::kF32);
  const std::vector<int64_t> lengths = {7, 1, 30};
  const int64_t dim = encoder.config().dim;
  EncoderInput padded;
  padded.ids = testing::random_ids(memory_, 3, 30, 9);
  padded.key_ends = make_key_ends(memory_, lengths, 30);
  std::vector<std::vector<int32_t>> texts;
  for (size_t b = 0; b < lengths.size(); ++b) {
    const int32_t* row = padded.ids.i32() + static_cast<int64_t>(b) * 30;
    texts.emplace_back(row, row + lengths[b]);
  }
  const Tensor in_batch = encoder.forward(exec, padded);
  const Tensor in_pack = encoder.forward(exec, pack_texts(memory_, texts));
  int64_t start = 0;
  for (size_t b = 0; b < texts.size(); ++b) {
    EncoderInput one;
    one.ids = Tensor::borrowed(texts[b].data(), Shape{1, lengths[b]}, DType::kI32);
    const Tensor alone = encoder.forward(exec, one).reshaped(Shape{lengths[b], dim});
    const Tensor batch_row =
        in_batch.reshaped(Shape{3 * 30, dim})
            .slice(static_cast<int64_t>(b) * 30, static_cast<int64_t>(b) * 30 + lengths[b]);
    const Tensor pack_row = in_pack.reshaped(Shape{38, dim}).slice(start, start + lengths[b]);
    EXPECT_LE(relative_difference(batch_row, alone), 2e-6) << "padded text " << b;
    EXPECT_LE(relative_difference(pack_row, alone), 2e-6) << "packed text " << b;
    start += lengths[b];
  }
}

INSTANTIATE_TEST_SUITE_P(Families, EncoderBatchTest,
                         ::testing::Values("bert", "roberta", "nomic", "jina", "t5", "umt5"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(EncoderTest, TooManyTokensAreAnError) {
  ThreadPool pool(1);
  HeapAllocator memory;
  const Backend cpu = make_cpu_backend();
  Exec exec{&pool, &memory, &cpu};
  Encoder encoder(small_encoder("bert"));
  randomize(encoder, memory, DType::kF32);
  EncoderInput input;
  input.ids = testing::random_ids(memory, 1, 41, 1);
  try {
    encoder.forward(exec, input);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResource);
  }
}

TEST(EncoderConfigTest, NonsenseIsAnError) {
  const auto broken = [](auto&& change) {
    EncoderConfig config = small_encoder("t5");
    change(config);
    EXPECT_THROW(Encoder{config}, Error);
  };
  broken([](EncoderConfig& c) { c.heads = 0; });
  broken([](EncoderConfig& c) { c.layers = -1; });
  broken([](EncoderConfig& c) { c.vocab_size = int64_t{1} << 60; });
  broken([](EncoderConfig& c) { c.relative_buckets = 1; });
  broken([](EncoderConfig& c) { c.relative_distance = 1; });
  broken([](EncoderConfig& c) { c.norm_epsilon = 0.0F; });
}

// The table of distances by hand, for 8 buckets up to 10.
TEST(EncoderConfigTest, RelativeBucketsAreExactNearAndLogarithmicFar) {
  EXPECT_EQ(relative_bucket(0, false, 8, 10), 0);
  EXPECT_EQ(relative_bucket(-1, false, 8, 10), 1);
  EXPECT_EQ(relative_bucket(1, false, 8, 10), 5);
  EXPECT_EQ(relative_bucket(-2, false, 8, 10), 2);
  EXPECT_EQ(relative_bucket(-4, false, 8, 10), 2);  // 2 + 2 ln(4 / 2) / ln(10 / 2) = 2.86
  EXPECT_EQ(relative_bucket(-5, false, 8, 10), 3);  // 3.14
  EXPECT_EQ(relative_bucket(-100, false, 8, 10), 3);
  EXPECT_EQ(relative_bucket(3, true, 8, 10), 0);  // a later key: masked anyway
  EXPECT_EQ(relative_bucket(-3, true, 8, 10), 3);
  EXPECT_EQ(relative_bucket(-100, true, 8, 10), 7);
}

TEST(EncoderConfigTest, AlibiSlopesForPowersOfTwoAndOthers) {
  EXPECT_DOUBLE_EQ(alibi_slope(0, 8), 0.5);
  EXPECT_DOUBLE_EQ(alibi_slope(7, 8), 1.0 / 256);
  EXPECT_DOUBLE_EQ(alibi_slope(0, 12), 0.5);
  EXPECT_DOUBLE_EQ(alibi_slope(8, 12), std::exp2(-0.5));
  EXPECT_DOUBLE_EQ(alibi_slope(11, 12), std::exp2(-3.5));
}

}  // namespace
}  // namespace onmal

#include "models/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/tape.h"
#include "models/architecture.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

// Small models with the odd features of many families, by name: those of families, and mixtures of
// features that no family has together.
DecoderConfig base_config(const std::string& architecture) {
  DecoderConfig config;
  config.architecture = architecture;
  config.vocab_size = 37;
  config.dim = 24;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = architecture == "gpt2" || architecture == "gptneox" ? 4 : 2;
  config.head_dim = architecture == "qwen3" ? 8 : 6;
  config.ffn_dim = 40;
  config.max_positions = 64;
  config.tied_head = architecture != "llama";
  find_architecture(architecture, "test").set_family(config);
  return config;
}

void add_experts(DecoderConfig& config, bool normalize, int64_t shared) {
  config.experts = {5, 2, 14, normalize, shared, {}};
}

DecoderConfig small_family_config(const std::string& name) {
  const std::string family = name.substr(0, name.find('_'));
  DecoderConfig config = base_config(family);
  if (name == "stablelm_parallel") {
    config.parallel_residual = config.shared_norm = true;
    config.qk_norm = QkNorm::kOwnHead;
    config.rotary_dims = 4;
  } else if (name == "gptneox") {
    config.rotary_dims = 2;
    config.activation = Activation::kGeluErf;
  } else if (name == "gemma2" || name == "gemma3") {
    config.window = 3;
    config.local_layers = {true, false};
    config.attention_softcap = 1.5F;
    config.logit_softcap = 2.0F;
    config.embedding_scale = 4.0F;
    config.attention_scale = 0.3F;
  } else if (name == "exaone4") {
    config.window = 3;
    config.local_layers = {true, false};
    config.global_rope = false;
  } else if (name == "granite") {
    config.embedding_scale = 3.0F;
    config.residual_scale = 0.4F;
    config.attention_scale = 0.2F;
    config.logit_scale = 0.5F;
    config.rope_scaling.kind = RopeScalingKind::kYarn;
    config.rope_scaling.factor = 4.0;
    config.rope_scaling.original_positions = 16;
    config.rope_scaling.magnitude = yarn_magnitude(4.0);
  } else if (name == "qwen2moe") {
    add_experts(config, false, 10);
    config.experts.in_layers = {false, true};
  } else if (name == "qwen3moe") {
    add_experts(config, true, 0);
  } else if (name == "gemma2_experts") {
    add_experts(config, true, 10);
  }
  return config;
}

struct Batch {
  Tensor ids;
  Tensor targets;
  Tensor first_keys;
};

Batch make_batch(Allocator& memory, int64_t vocab_size) {
  constexpr int64_t kBatch = 2;
  constexpr int64_t kLength = 11;
  Rng rng(5);
  Batch batch{Tensor::empty(memory, Shape{kBatch, kLength}, DType::kI32),
              Tensor::empty(memory, Shape{kBatch, kLength}, DType::kI32),
              Tensor::zeros(memory, Shape{kBatch, kLength}, DType::kI32)};
  for (int64_t i = 0; i < kBatch * kLength; ++i) {
    batch.ids.i32()[i] = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab_size)));
    batch.targets.i32()[i] =
        i % 7 == 3 ? -100 : static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab_size)));
  }
  for (int64_t t = 4; t < kLength; ++t)
    batch.first_keys.i32()[kLength + t] = 4;  // a second document in row 1
  return batch;
}

// Random weights everywhere (norms and biases too), so that no gradient is zero by symmetry.
void randomize(Decoder& decoder, Allocator& memory, DType dtype) {
  Rng rng(11);
  decoder.visit([&](Param& param) {
    param.value = Tensor::empty(memory, param.shape, dtype);
    for (int64_t i = 0; i < param.value.elements(); ++i) {
      const double value = param.initial_value + 0.2 * rng.normal();
      if (dtype == DType::kF64) {
        param.value.f64()[i] = value;
      } else {
        param.value.f32()[i] = static_cast<float>(value);
      }
    }
  });
  decoder.prepare(memory);
}

double loss_of(Exec& exec, const Decoder& decoder, const Batch& batch,
               bool checkpoint_activations = false, Tensor* loss_tensor = nullptr) {
  DecoderInput input;
  input.ids = batch.ids;
  input.first_keys = batch.first_keys;
  input.checkpoint_activations = checkpoint_activations;
  const Tensor hidden = decoder.forward(exec, input);
  const CrossEntropyResult result = decoder.loss(exec, hidden, batch.targets);
  if (loss_tensor != nullptr) *loss_tensor = result.loss;
  return result.loss.dtype() == DType::kF64 ? result.loss.f64()[0]
                                            : static_cast<double>(result.loss.f32()[0]);
}

constexpr const char* kModels[] = {"llama",
                                   "qwen3",
                                   "gpt2",
                                   "gemma",
                                   "gemma2",
                                   "gemma3",
                                   "exaone4",
                                   "olmo2",
                                   "granite",
                                   "stablelm",
                                   "stablelm_parallel",
                                   "gptneox",
                                   "falcon",
                                   "starcoder2",
                                   "qwen2moe",
                                   "qwen3moe",
                                   "gemma2_experts"};

class DecoderTest : public ::testing::TestWithParam<const char*> {
 protected:
  ThreadPool pool_{2};
  HeapAllocator memory_;
};

Tensor one(Allocator& memory, DType dtype) {
  Tensor seed = Tensor::empty(memory, Shape{1}, dtype);
  if (dtype == DType::kF64) {
    seed.f64()[0] = 1.0;
  } else {
    seed.f32()[0] = 1.0F;
  }
  return seed;
}

GradStore gradients_of(Exec exec, Decoder& decoder, const Batch& batch,
                       bool checkpoint_activations) {
  Tape tape;
  GradStore gradients;
  exec.tape = &tape;
  decoder.set_trained(true);
  Tensor loss;
  loss_of(exec, decoder, batch, checkpoint_activations, &loss);
  tape.backward(exec, loss, one(*exec.memory, loss.dtype()), gradients);
  decoder.set_trained(false);
  return gradients;
}

TEST_P(DecoderTest, WholeModelGradientsMatchFiniteDifferencesInDouble) {
  const Backend backend = make_plain_backend();
  Exec exec{&pool_, &memory_, &backend};
  Decoder decoder(small_family_config(GetParam()));
  randomize(decoder, memory_, DType::kF64);
  const Batch batch = make_batch(memory_, decoder.config().vocab_size);
  const GradStore gradients = gradients_of(exec, decoder, batch, false);
  Rng rng(3);
  uint32_t tag = 0;
  decoder.visit([&](Param& param) {
    const Tensor gradient = gradients.find(++tag);
    ASSERT_TRUE(gradient.defined()) << param.name;
    for (int probe = 0; probe < 3; ++probe) {
      const auto i = static_cast<int64_t>(rng.below(static_cast<uint64_t>(param.value.elements())));
      constexpr double kStep = 1e-5;
      const double original = param.value.f64()[i];
      param.value.f64()[i] = original + kStep;
      const double above = loss_of(exec, decoder, batch);
      param.value.f64()[i] = original - kStep;
      const double below = loss_of(exec, decoder, batch);
      param.value.f64()[i] = original;
      const double numeric = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient.f64()[i], numeric, 1e-7 + 1e-5 * std::abs(numeric))
          << param.name << "[" << i << "]";
    }
  });
}

TEST_P(DecoderTest, ProcessorAgreesWithPlainLoops) {
  const Backend plain = make_plain_backend();
  const Backend cpu = make_cpu_backend();
  Exec plain_exec{&pool_, &memory_, &plain};
  CachingAllocator cache;
  Exec cpu_exec{&pool_, &cache, &cpu};
  Decoder reference(small_family_config(GetParam()));
  Decoder tested(small_family_config(GetParam()));
  randomize(reference, memory_, DType::kF64);
  randomize(tested, memory_, DType::kF32);
  const Batch batch = make_batch(memory_, reference.config().vocab_size);
  EXPECT_NEAR(loss_of(cpu_exec, tested, batch), loss_of(plain_exec, reference, batch), 1e-5);
  const GradStore expected = gradients_of(plain_exec, reference, batch, false);
  const GradStore actual = gradients_of(cpu_exec, tested, batch, false);
  uint32_t tag = 0;
  reference.visit([&](Param& param) {
    ++tag;
    const Tensor want = expected.find(tag);
    const Tensor got = actual.find(tag);
    double largest = 0;
    double difference = 0;
    for (int64_t i = 0; i < want.elements(); ++i) {
      largest = std::max(largest, std::abs(want.f64()[i]));
      difference =
          std::max(difference, std::abs(want.f64()[i] - static_cast<double>(got.f32()[i])));
    }
    EXPECT_LE(difference, 2e-5 * largest + 1e-7) << param.name;
  });
}

TEST_P(DecoderTest, CheckpointedActivationsGiveTheSameBits) {
  const Backend cpu = make_cpu_backend();
  CachingAllocator cache;
  Exec exec{&pool_, &cache, &cpu};
  Decoder decoder(small_family_config(GetParam()));
  randomize(decoder, memory_, DType::kF32);
  const Batch batch = make_batch(memory_, decoder.config().vocab_size);
  const GradStore kept = gradients_of(exec, decoder, batch, false);
  const GradStore recomputed = gradients_of(exec, decoder, batch, true);
  uint32_t tag = 0;
  decoder.visit([&](Param& param) {
    const Tensor a = kept.find(++tag);
    const Tensor b = recomputed.find(tag);
    EXPECT_TRUE(std::equal(a.f32(), a.f32() + a.elements(), b.f32())) << param.name;
  });
}

INSTANTIATE_TEST_SUITE_P(Architectures, DecoderTest, ::testing::ValuesIn(kModels),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(DecoderConfigTest, NonsenseIsAnError) {
  DecoderConfig config = small_family_config("llama");
  config.heads = 3;
  EXPECT_THROW(Decoder{config}, Error);
  config = small_family_config("llama");
  config.vocab_size = int64_t{1} << 60;
  EXPECT_THROW(Decoder{config}, Error);
}

TEST(DecoderConfigTest, ParameterCountMatchesTheWeights) {
  for (const char* architecture : kModels) {
    Decoder decoder(small_family_config(architecture));
    int64_t total = 0;
    decoder.visit([&](Param& param) { total += param.shape.elements(); });
    EXPECT_EQ(total, decoder.config().parameter_count()) << architecture;
  }
}

}  // namespace
}  // namespace onmal

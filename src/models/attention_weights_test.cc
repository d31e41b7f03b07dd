#include "models/attention_weights.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "models/architecture.h"
#include "models/decoder.h"
#include "models/encoder.h"
#include "models/encoder_testing.h"
#include "ops/backend.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

// Beside the collector, the op itself: with unit vectors for values its output is the weights.
class CheckingCollector : public AttentionCollector {
 public:
  void attended(const Tensor& q, const Tensor& k, const AttentionParams& params,
                const Tensor& first_keys) override {
    AttentionCollector::attended(q, k, params, first_keys);
    const AttentionMap& map = maps().back();
    ThreadPool pool(1);
    HeapAllocator memory;
    const Backend backend = make_plain_backend();
    Exec exec{&pool, &memory, &backend};
    const int64_t keys = k.dim(1);
    Tensor v = Tensor::zeros(memory, Shape{q.dim(0), keys, k.dim(2), keys});
    for (int64_t row = 0; row < q.dim(0) * keys * k.dim(2); ++row)
      v.f32()[row * keys + row / k.dim(2) % keys] = 1;
    const Tensor weights = attention(exec, q, k, v, params, first_keys);
    for (size_t head = 0; head < map.heads.size(); ++head) {
      for (int64_t query = 0; query < map.queries; ++query) {
        double total = 0;
        for (int64_t key = 0; key < keys; ++key) {
          const float* row = weights.f32() + (query * q.dim(2) + static_cast<int64_t>(head)) * keys;
          ASSERT_NEAR(map.at(head, query, key), row[key], 1e-6);
          total += static_cast<double>(map.at(head, query, key));
        }
        ASSERT_NEAR(total, 1, 1e-5);
      }
    }
    ++checked;
  }
  int checked = 0;
};

struct Machine {
  ThreadPool pool{2};
  HeapAllocator memory;
  Backend backend = make_cpu_backend();
  Exec exec{&pool, &memory, &backend};

  Tensor ids(int64_t count) {
    Tensor out = Tensor::empty(memory, Shape{1, count}, DType::kI32);
    for (int64_t i = 0; i < count; ++i) out.i32()[i] = static_cast<int32_t>((i * 7 + 3) % 37);
    return out;
  }
};

class DecoderAttention : public ::testing::TestWithParam<const char*> {};

// Grouped heads, windows, soft caps and scales.
TEST_P(DecoderAttention, IsWhatTheForwardPassUses) {
  DecoderConfig config;
  config.architecture = GetParam();
  config.vocab_size = 37;
  config.dim = 24;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = config.architecture == "gpt2" ? 4 : 2;
  config.head_dim = 6;
  config.ffn_dim = 40;
  config.max_positions = 64;
  find_architecture(config.architecture, "test").set_family(config);
  if (config.architecture == "gemma2") {
    config.window = 3;
    config.local_layers = {true, false};
    config.attention_softcap = 1.5F;
    config.attention_scale = 0.3F;
  }
  Machine machine;
  Decoder decoder(config);
  Rng rng(5);
  decoder.initialize(machine.memory, rng);
  decoder.prepare(machine.memory);
  CheckingCollector collector;
  machine.exec.attention_observer = &collector;
  decoder.forward(machine.exec, {machine.ids(9), {}, nullptr});
  EXPECT_EQ(collector.checked, 2);
  ASSERT_EQ(collector.maps().size(), 2U);
  EXPECT_EQ(collector.maps()[1].layer, 1);
  EXPECT_EQ(collector.maps()[0].heads.size(), 4U);
  EXPECT_EQ(collector.maps()[0].at(0, 2, 3), 0);  // causal
}

INSTANTIATE_TEST_SUITE_P(Families, DecoderAttention,
                         ::testing::Values("llama", "gpt2", "gemma2", "qwen3"));

class EncoderAttention : public ::testing::TestWithParam<const char*> {};

// Both directions, rotations, ALiBi and learned biases.
TEST_P(EncoderAttention, IsWhatTheForwardPassUses) {
  Machine machine;
  Encoder encoder(testing::small_encoder(GetParam()));
  Rng rng(5);
  encoder.initialize(machine.memory, rng);
  encoder.prepare(machine.memory);
  CheckingCollector collector;
  machine.exec.attention_observer = &collector;
  EncoderInput input;
  input.ids = machine.ids(11);
  encoder.forward(machine.exec, input);
  EXPECT_EQ(collector.checked, 2);
  EXPECT_GT(collector.maps()[0].at(0, 2, 5), 0);
}

INSTANTIATE_TEST_SUITE_P(Families, EncoderAttention,
                         ::testing::Values("bert", "nomic", "jina", "t5", "umt5"));

TEST(AttentionCollectorTest, ChoosesLayersAndHeadsWithinItsMemory) {
  Machine machine;
  Tensor q = Tensor::zeros(machine.memory, Shape{1, 4, 2, 3});
  Tensor k = Tensor::zeros(machine.memory, Shape{1, 4, 1, 3});
  AttentionCollector one(1, 1);
  one.attended(q, k, {}, {});
  EXPECT_TRUE(one.maps().empty());
  one.attended(q, k, {}, {});
  ASSERT_EQ(one.maps().size(), 1U);
  EXPECT_EQ(one.maps()[0].layer, 1);
  EXPECT_EQ(one.maps()[0].heads, std::vector<int64_t>{1});
  EXPECT_FLOAT_EQ(one.maps()[0].at(0, 3, 0), 0.25F);
  AttentionCollector none({}, 2);
  EXPECT_THROW(none.attended(q, k, {}, {}), Error);
  AttentionCollector small({}, {}, 100);
  EXPECT_THROW(small.attended(q, k, {}, {}), Error);
}

}  // namespace
}  // namespace onmal

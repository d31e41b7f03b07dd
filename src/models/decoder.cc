#include "models/decoder.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "autograd/tape.h"
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/attention.h"
#include "ops/embedding.h"
#include "ops/scale.h"

namespace onmal {
namespace {

constexpr float kDeviation = 0.02F;

// Positions first, first + 1, … for each of B rows, i32 [B, T].
Tensor make_positions(Exec& exec, int64_t batch, int64_t length, int64_t first) {
  const Tensor positions = Tensor::empty(*exec.memory, Shape{batch, length}, DType::kI32);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t t = 0; t < length; ++t)
      positions.i32()[b * length + t] = static_cast<int32_t>(first + t);
  }
  return positions;
}

}  // namespace

DecoderBlock::DecoderBlock(const DecoderConfig& config, int64_t index) {
  const std::string name = "layers." + std::to_string(index);
  const float output_deviation = kDeviation / std::sqrt(2.0F * static_cast<float>(config.layers));
  const int64_t query_dim = config.heads * config.head_dim;
  const int64_t kv_dim = config.kv_heads * config.head_dim;
  attention_norm =
      NormLayer(name + ".attention_norm", config.norm, config.dim, config.norm_epsilon);
  query = LinearLayer(name + ".query", config.dim, query_dim, config.qkv_bias, kDeviation);
  key = LinearLayer(name + ".key", config.dim, kv_dim, config.qkv_bias, kDeviation);
  value = LinearLayer(name + ".value", config.dim, kv_dim, config.qkv_bias, kDeviation);
  output =
      LinearLayer(name + ".output", query_dim, config.dim, config.output_bias, output_deviation);
  if (config.qk_norm) {
    query_norm =
        NormLayer(name + ".query_norm", NormKind::kRms, config.head_dim, config.norm_epsilon);
    key_norm = NormLayer(name + ".key_norm", NormKind::kRms, config.head_dim, config.norm_epsilon);
  }
  mlp_norm = NormLayer(name + ".mlp_norm", config.norm, config.dim, config.norm_epsilon);
  if (config.gated_mlp)
    gate = LinearLayer(name + ".gate", config.dim, config.ffn_dim, config.mlp_bias, kDeviation);
  up = LinearLayer(name + ".up", config.dim, config.ffn_dim, config.mlp_bias, kDeviation);
  down = LinearLayer(name + ".down", config.ffn_dim, config.dim, config.mlp_bias, output_deviation);
}

void DecoderBlock::visit(ParamVisitor visitor) {
  attention_norm.visit(visitor);
  query.visit(visitor);
  key.visit(visitor);
  value.visit(visitor);
  output.visit(visitor);
  if (query_norm.weight.shape.rank() > 0) query_norm.visit(visitor);
  if (key_norm.weight.shape.rank() > 0) key_norm.visit(visitor);
  mlp_norm.visit(visitor);
  if (gate.weight.shape.rank() > 0) gate.visit(visitor);
  up.visit(visitor);
  down.visit(visitor);
}

Decoder::Decoder(DecoderConfig config) : config_(std::move(config)) {
  config_.validate("model");
  embedding_ = {"embedding.weight",
                Shape{config_.vocab_size, config_.dim},
                ParamKind::kEmbedding,
                kDeviation,
                0.0F,
                {}};
  if (config_.position == PositionKind::kLearned) {
    position_embedding_ = {"position_embedding.weight",
                           Shape{config_.max_positions, config_.dim},
                           ParamKind::kEmbedding,
                           kDeviation,
                           0.0F,
                           {}};
  }
  for (int64_t i = 0; i < config_.layers; ++i) blocks_.emplace_back(config_, i);
  final_norm_ = NormLayer("final_norm", config_.norm, config_.dim, config_.norm_epsilon);
  if (!config_.tied_head) {
    head_ = {"head.weight",
             Shape{config_.vocab_size, config_.dim},
             ParamKind::kEmbedding,
             kDeviation,
             0.0F,
             {}};
  }
}

void Decoder::visit(ParamVisitor visitor) {
  visitor(embedding_);
  if (config_.position == PositionKind::kLearned) visitor(position_embedding_);
  for (DecoderBlock& block : blocks_) block.visit(visitor);
  final_norm_.visit(visitor);
  if (!config_.tied_head) visitor(head_);
}

void Decoder::initialize(Allocator& memory, Rng& rng) {
  visit([&](Param& param) {
    param.value = Tensor::empty(memory, param.shape);
    float* values = param.value.f32();
    const int64_t count = param.value.elements();
    if (param.kind == ParamKind::kVector) {
      std::fill_n(values, count, param.initial_value);
    } else {
      for (int64_t i = 0; i < count; ++i)
        values[i] = param.initial_deviation * static_cast<float>(rng.normal());
    }
  });
}

void Decoder::set_trained(bool trained) {
  uint32_t next = 1;
  visit([&](Param& param) {
    param.value.set_tag(trained ? next : 0);
    ++next;
  });
}

void Decoder::prepare(Allocator& memory) {
  if (config_.position != PositionKind::kRope) return;
  std::vector<double> frequencies(static_cast<size_t>(config_.head_dim / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = std::pow(
        config_.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(config_.head_dim));
    if (!config_.rope_factors.empty())
      frequencies[i] /= static_cast<double>(config_.rope_factors[i]);
  }
  rope_tables_ = make_rope_tables(memory, config_.max_positions, frequencies);
}

KvCache Decoder::make_cache(Allocator& memory, int64_t capacity, DType dtype) const {
  return {memory,           config_.layers,   std::min(capacity, config_.max_positions),
          config_.kv_heads, config_.head_dim, dtype};
}

Tensor Decoder::forward(Exec& exec, const DecoderInput& input) const {
  const int64_t batch = input.ids.dim(0);
  const int64_t length = input.ids.dim(1);
  const int64_t first = input.cache == nullptr ? 0 : input.cache->length();
  if (first + length > config_.max_positions) {
    throw Error(ErrorCode::kResource, "context",
                std::to_string(first + length) + " tokens exceed the model's context of " +
                    std::to_string(config_.max_positions),
                "shorten the input by " + std::to_string(first + length - config_.max_positions) +
                    " tokens");
  }
  ONMAL_ASSERT(input.cache == nullptr || (batch == 1 && !input.first_keys.defined()));
  const Tensor positions = make_positions(exec, batch, length, first);
  Tensor x = embedding(exec, embedding_.value, input.ids);
  if (config_.embedding_scale != 1.0F) x = scale(exec, x, config_.embedding_scale);
  if (config_.position == PositionKind::kLearned) {
    x = add(exec, x, embedding(exec, position_embedding_.value, positions));
  }
  for (int64_t i = 0; i < config_.layers; ++i) {
    const DecoderBlock& block = blocks_[static_cast<size_t>(i)];
    if (input.checkpoint_activations && exec.tape != nullptr) {
      x = checkpoint(exec, x,
                     [this, &block, i, positions, input](Exec& inner, const Tensor& value) {
                       return run_block(inner, block, i, value, positions, input);
                     });
    } else {
      x = run_block(exec, block, i, x, positions, input);
    }
  }
  if (input.cache != nullptr) input.cache->commit(length);
  return final_norm_(exec, x);
}

Tensor Decoder::run_block(Exec& exec, const DecoderBlock& block, int64_t index, const Tensor& x,
                          const Tensor& positions, const DecoderInput& input) const {
  const Tensor attended = add(
      exec, x, run_attention(exec, block, index, block.attention_norm(exec, x), positions, input));
  return add(exec, attended, run_mlp(exec, block, block.mlp_norm(exec, attended)));
}

Tensor Decoder::run_attention(Exec& exec, const DecoderBlock& block, int64_t index,
                              const Tensor& normed, const Tensor& positions,
                              const DecoderInput& input) const {
  const int64_t batch = normed.dim(0);
  const int64_t length = normed.dim(1);
  const Shape query_shape{batch, length, config_.heads, config_.head_dim};
  const Shape kv_shape{batch, length, config_.kv_heads, config_.head_dim};
  Tensor q = block.query(exec, normed).reshaped(query_shape);
  Tensor k = block.key(exec, normed).reshaped(kv_shape);
  Tensor v = block.value(exec, normed).reshaped(kv_shape);
  if (config_.qk_norm) {
    q = block.query_norm(exec, q);
    k = block.key_norm(exec, k);
  }
  if (config_.position == PositionKind::kRope) {
    q = rope(exec, q, rope_tables_, positions, config_.rope_style);
    k = rope(exec, k, rope_tables_, positions, config_.rope_style);
  }
  AttentionParams params;
  params.scale = 1.0F / std::sqrt(static_cast<float>(config_.head_dim));
  params.window = config_.window;
  params.softcap = config_.attention_softcap;
  if (input.cache != nullptr) {
    params.first_position = input.cache->length();
    const KvCache::View view = input.cache->append(index, k, v);
    k = view.keys;
    v = view.values;
  }
  const Tensor mixed = attention(exec, q, k, v, params, input.first_keys);
  return block.output(exec, mixed.reshaped(Shape{batch, length, config_.heads * config_.head_dim}));
}

Tensor Decoder::run_mlp(Exec& exec, const DecoderBlock& block, const Tensor& normed) const {
  const Tensor up = block.up(exec, normed);
  const Tensor inner = config_.gated_mlp
                           ? gated(exec, config_.activation, block.gate(exec, normed), up)
                           : activation(exec, config_.activation, up);
  return block.down(exec, inner);
}

Tensor Decoder::logits(Exec& exec, const Tensor& hidden) const {
  const Param& head = config_.tied_head ? embedding_ : head_;
  return linear(exec, hidden, head.value);
}

CrossEntropyResult Decoder::loss(Exec& exec, const Tensor& hidden, const Tensor& targets,
                                 double normalizer) const {
  const Param& head = config_.tied_head ? embedding_ : head_;
  const Tensor rows = hidden.reshaped(Shape{hidden.shape().rows(), config_.dim});
  return linear_cross_entropy(exec, rows, head.value, targets.reshaped(Shape{targets.elements()}),
                              CrossEntropyParams{}, normalizer);
}

}  // namespace onmal

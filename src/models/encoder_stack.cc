#include "models/encoder_stack.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "autograd/tape.h"
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/attention.h"
#include "ops/embedding.h"
#include "ops/scale.h"

namespace onmal {
namespace {

constexpr double kSinusoidBase = 10000.0;

void set_value(const Tensor& tensor, int64_t index, double value) {
  if (tensor.dtype() == DType::kF64) {
    tensor.f64()[index] = value;
  } else {
    tensor.f32()[index] = static_cast<float>(value);
  }
}

// i32 [B, T] of f(t).
template <typename F>
Tensor fill_ids(Exec& exec, int64_t batch, int64_t length, F&& f) {
  const Tensor ids = Tensor::empty(*exec.memory, Shape{batch, length}, DType::kI32);
  for (int64_t i = 0; i < batch * length; ++i) ids.i32()[i] = static_cast<int32_t>(f(i % length));
  return ids;
}

// Sines of position / 10000^(2i / dim) in the first half of a row, cosines in the second.
Tensor make_sinusoids(Allocator& memory, int64_t positions, int64_t dim, DType dtype) {
  Tensor table = Tensor::empty(memory, Shape{positions, dim}, dtype);
  const int64_t half = dim / 2;
  for (int64_t i = 0; i < half; ++i) {
    const double frequency =
        std::pow(kSinusoidBase, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
    for (int64_t p = 0; p < positions; ++p) {
      const double angle = static_cast<double>(p) * frequency;
      set_value(table, p * dim + i, std::sin(angle));
      set_value(table, p * dim + half + i, std::cos(angle));
    }
  }
  return table;
}

}  // namespace

struct EncoderStack::Call {
  const StackInput* input;
  Tensor positions;
  Tensor key_ends;  // of the keys in the cache, when there is one
  int64_t first;    // tokens in the cache before these
  Tensor bias;      // shared by all layers, or undefined
};

EncoderStack::EncoderStack(EncoderConfig config, const std::string& prefix)
    : config_(std::move(config)) {
  config_.validate("model");
  if (config_.positions == EncoderPositions::kLearned) {
    position_embedding_.name = prefix + "position_embedding.weight";
    position_embedding_.shape = Shape{config_.max_positions + config_.position_offset, config_.dim};
    position_embedding_.kind = ParamKind::kEmbedding;
  }
  if (config_.token_types > 0) {
    type_embedding_.name = prefix + "type_embedding.weight";
    type_embedding_.shape = Shape{config_.token_types, config_.dim};
    type_embedding_.kind = ParamKind::kEmbedding;
  }
  const auto norm = [&](const std::string& name) {
    return NormLayer(prefix + name, config_.norm, config_.dim, config_.norm_epsilon);
  };
  if (config_.embedding_norm) embedding_norm_ = norm("embedding_norm");
  for (int64_t i = 0; i < config_.layers; ++i) blocks_.emplace_back(config_, prefix, i);
  if (config_.final_norm) final_norm_ = norm("final_norm");
}

void EncoderStack::visit(ParamVisitor visitor) {
  if (has_weight(position_embedding_)) visitor(position_embedding_);
  if (has_weight(type_embedding_)) visitor(type_embedding_);
  if (has_weight(embedding_norm_)) embedding_norm_.visit(visitor);
  for (EncoderBlock& block : blocks_) block.visit(visitor);
  if (has_weight(final_norm_)) final_norm_.visit(visitor);
}

void EncoderStack::visit_linears(LinearVisitor visitor) {
  for (EncoderBlock& block : blocks_) block.visit_linears(visitor);
}

void EncoderStack::prepare(Allocator& memory) {
  if (config_.positions == EncoderPositions::kRope) {
    rope_tables_ =
        make_rope_tables(memory, config_.max_positions, config_.head_dim, config_.rope_theta);
  }
  if (config_.positions == EncoderPositions::kSinusoidal) {
    const DType dtype = blocks_[0].mlp_norm.weight.value.dtype();
    sinusoids_ = make_sinusoids(memory, config_.max_positions, config_.dim, dtype);
  }
  if (config_.positions == EncoderPositions::kRelativeBias) {
    const int64_t reach = config_.relative_distance;
    buckets_ = Tensor::empty(memory, Shape{2 * reach + 1}, DType::kI32);
    for (int64_t i = 0; i <= 2 * reach; ++i) {
      buckets_.i32()[i] =
          relative_bucket(i - reach, config_.causal, config_.relative_buckets, reach);
    }
  }
}

// The table by distance that attention wants, looked up in the learned one by bucket.
Tensor EncoderStack::relative_bias(Exec& exec, const EncoderBlock& block) const {
  return embedding(exec, block.relative_bias.value, buckets_);
}

Tensor EncoderStack::alibi_bias(Exec& exec, int64_t length, DType dtype) const {
  const Tensor table = Tensor::empty(*exec.memory, Shape{2 * length - 1, config_.heads}, dtype);
  for (int64_t h = 0; h < config_.heads; ++h) {
    const double slope = alibi_slope(h, config_.heads);
    for (int64_t d = 0; d < 2 * length - 1; ++d) {
      const auto distance = static_cast<double>(std::abs(d - (length - 1)));
      set_value(table, d * config_.heads + h, -slope * distance);
    }
  }
  return table;
}

Tensor EncoderStack::embed(Exec& exec, const StackInput& input, const Tensor& positions) const {
  Tensor x = input.embedded;
  if (config_.embedding_scale != 1.0F) x = scale(exec, x, config_.embedding_scale);
  if (has_weight(type_embedding_)) {
    const bool told = input.types.defined() && config_.token_types > 1;
    const Tensor types =
        told ? input.types : fill_ids(exec, x.dim(0), x.dim(1), [](int64_t) { return 0; });
    x = add(exec, x, embedding(exec, type_embedding_.value, types));
  }
  if (config_.positions == EncoderPositions::kLearned) {
    Tensor rows = positions;
    if (config_.position_offset > 0) {
      rows = Tensor::empty(*exec.memory, positions.shape(), DType::kI32);
      for (int64_t i = 0; i < rows.elements(); ++i)
        rows.i32()[i] = positions.i32()[i] + static_cast<int32_t>(config_.position_offset);
    }
    x = add(exec, x, embedding(exec, position_embedding_.value, rows));
  } else if (config_.positions == EncoderPositions::kSinusoidal) {
    x = add(exec, x, embedding(exec, sinusoids_, positions));
  }
  return config_.embedding_norm ? embedding_norm_(exec, x) : x;
}

Tensor EncoderStack::forward(Exec& exec, const StackInput& input) const {
  const int64_t batch = input.embedded.dim(0);
  const int64_t length = input.embedded.dim(1);
  Call call{&input, input.positions, input.key_ends, 0, {}};
  if (input.cache != nullptr) {
    ONMAL_ASSERT(config_.causal && input.cache->batch() == batch && !input.key_ends.defined());
    call.first = input.cache->length();
    // The cache is as long as its capacity: each token sees it up to itself.
    call.key_ends = fill_ids(exec, batch, length, [&](int64_t t) { return call.first + t + 1; });
  }
  if (!call.positions.defined()) {
    if (call.first + length > config_.max_positions) {
      throw Error(ErrorCode::kResource, "context",
                  std::to_string(call.first + length) + " tokens exceed the model's context of " +
                      std::to_string(config_.max_positions),
                  "shorten the text");
    }
    call.positions = fill_ids(exec, batch, length, [&](int64_t t) { return call.first + t; });
  }
  Tensor x = embed(exec, input, call.positions);
  if (config_.positions == EncoderPositions::kRelativeBias && !config_.relative_every_layer)
    call.bias = relative_bias(exec, blocks_[0]);
  if (config_.positions == EncoderPositions::kAlibi)
    call.bias = alibi_bias(exec, call.first + length, x.dtype());
  const bool checkpointed = input.checkpoint_activations && exec.tape != nullptr;
  for (int64_t i = 0; i < config_.layers; ++i) {
    // Only parameters and the layer's input may carry gradients into a checkpoint: a shared bias or
    // a source would be a third way.
    if (checkpointed && !Tape::tracks(call.bias, input.source)) {
      x = checkpoint(exec, x, [this, i, call, input](Exec& inner, const Tensor& value) {
        Call copy = call;
        copy.input = &input;
        return run_block(inner, i, value, copy);
      });
    } else {
      x = run_block(exec, i, x, call);
    }
  }
  if (input.cache != nullptr) input.cache->commit(length);
  return config_.final_norm ? final_norm_(exec, x) : x;
}

Tensor EncoderStack::run_block(Exec& exec, int64_t index, const Tensor& x, const Call& call) const {
  const EncoderBlock& block = blocks_[static_cast<size_t>(index)];
  // x + f(norm(x)) or norm(x + f(x))
  const auto around = [&](const NormLayer& norm, const Tensor& value, auto&& f) {
    if (config_.norm_first) return add(exec, value, f(norm(exec, value)));
    return norm(exec, add(exec, value, f(value)));
  };
  Tensor attended = around(block.attention_norm, x, [&](const Tensor& value) {
    return self_attention(exec, index, value, call);
  });
  if (config_.second_attention_norm)
    attended = block.second_attention_norm(exec, add(exec, attended, x));
  if (config_.cross_attention) {
    attended = around(block.cross_norm, attended, [&](const Tensor& value) {
      return cross_attention(exec, index, value, call);
    });
  }
  return around(block.mlp_norm, attended,
                [&](const Tensor& value) { return mlp(exec, block, value); });
}

Tensor EncoderStack::self_attention(Exec& exec, int64_t index, const Tensor& x,
                                    const Call& call) const {
  const EncoderBlock& block = blocks_[static_cast<size_t>(index)];
  const StackInput& input = *call.input;
  const Shape shape{x.dim(0), x.dim(1), config_.heads, config_.head_dim};
  Tensor q = block.self.query(exec, x);
  Tensor k = block.self.key(exec, x);
  Tensor v = block.self.value(exec, x).reshaped(shape);
  if (config_.query_key_norm) {
    q = block.query_norm(exec, q);
    k = block.key_norm(exec, k);
  }
  q = q.reshaped(shape);
  k = k.reshaped(shape);
  if (config_.positions == EncoderPositions::kRope) {
    q = rope(exec, q, rope_tables_, call.positions, config_.rope_style);
    k = rope(exec, k, rope_tables_, call.positions, config_.rope_style);
  }
  AttentionParams params;
  params.scale = config_.attention_scale != 0.0F
                     ? config_.attention_scale
                     : 1.0F / std::sqrt(static_cast<float>(config_.head_dim));
  params.causal = config_.causal && input.cache == nullptr;
  params.first_position = call.first;
  params.key_ends = call.key_ends;
  params.bias = config_.relative_every_layer && has_weight(block.relative_bias)
                    ? relative_bias(exec, block)
                    : call.bias;
  if (input.cache != nullptr) {
    input.cache->append(index, k, v);
    k = input.cache->layer(index).keys;
    v = input.cache->layer(index).values;
  }
  const Tensor mixed = attention(exec, q, k, v, params, input.first_keys);
  return block.self.output(
      exec, mixed.reshaped(Shape{x.dim(0), x.dim(1), config_.heads * config_.head_dim}));
}

Tensor EncoderStack::cross_attention(Exec& exec, int64_t index, const Tensor& x,
                                     const Call& call) const {
  const EncoderBlock& block = blocks_[static_cast<size_t>(index)];
  const StackInput& input = *call.input;
  const int64_t inner = config_.heads * config_.head_dim;
  // Without positions all rows of queries are alike: beams share one source.
  const bool shared = input.source.dim(0) == 1;
  const Shape rows = shared ? Shape{1, x.dim(0) * x.dim(1)} : Shape{x.dim(0), x.dim(1)};
  const Tensor q = block.cross.query(exec, x).reshaped(
      Shape{rows.dim(0), rows.dim(1), config_.heads, config_.head_dim});
  const auto project = [&](const LinearLayer& layer) {
    const Shape shape{input.source.dim(0), input.source.dim(1), config_.heads, config_.head_dim};
    return layer(exec, input.source).reshaped(shape);
  };
  Tensor k, v;
  if (input.cache == nullptr) {
    k = project(block.cross.key);
    v = project(block.cross.value);
  } else {
    DecodingCache::Layer& layer = input.cache->layer(index);
    if (!layer.cross_keys.defined()) {
      layer.cross_keys = project(block.cross.key);
      layer.cross_values = project(block.cross.value);
    }
    k = layer.cross_keys;
    v = layer.cross_values;
  }
  AttentionParams params;
  params.scale = config_.attention_scale != 0.0F
                     ? config_.attention_scale
                     : 1.0F / std::sqrt(static_cast<float>(config_.head_dim));
  params.causal = false;
  if (input.source_ends.defined()) params.key_ends = input.source_ends.reshaped(rows);
  Tensor firsts;
  if (input.source_firsts.defined()) firsts = input.source_firsts.reshaped(rows);
  const Tensor mixed = attention(exec, q, k, v, params, firsts);
  return block.cross.output(exec, mixed.reshaped(Shape{x.dim(0), x.dim(1), inner}));
}

Tensor EncoderStack::mlp(Exec& exec, const EncoderBlock& block, const Tensor& x) const {
  const Tensor up = block.up(exec, x);
  const Tensor inner = config_.gated_mlp ? gated(exec, config_.activation, block.gate(exec, x), up)
                                         : activation(exec, config_.activation, up);
  return block.down(exec, inner);
}

}  // namespace onmal

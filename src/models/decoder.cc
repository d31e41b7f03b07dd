#include "models/decoder.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "autograd/tape.h"
#include "ops/add.h"
#include "ops/attention.h"
#include "ops/embedding.h"
#include "ops/scale.h"
#include "ops/softcap.h"

namespace onmal {
namespace {

constexpr float kDeviation = 0.02F;

// Numbers 0, 1, … for each of B rows, i32 [B, T].
Tensor count_up(Exec& exec, int64_t batch, int64_t length) {
  const Tensor numbers = Tensor::empty(*exec.memory, Shape{batch, length}, DType::kI32);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t t = 0; t < length; ++t) numbers.i32()[b * length + t] = static_cast<int32_t>(t);
  }
  return numbers;
}

// Positions of the tokens of one row, i32 [T].
Tensor positions_of(Exec& exec, const DecoderInput& input) {
  const int64_t length = input.ids.dim(1);
  const Tensor positions = Tensor::empty(*exec.memory, Shape{length}, DType::kI32);
  int32_t* next = positions.i32();
  const auto count_from = [&](int64_t first, int64_t count) {
    for (int64_t t = 0; t < count; ++t) *next++ = static_cast<int32_t>(first + t);
  };
  for (const DecoderSegment& segment : input.segments)
    count_from(segment.sequence->length(), segment.count);
  if (input.segments.empty())
    count_from(input.cache == nullptr ? 0 : input.cache->length(), length);
  ONMAL_ASSERT(next == positions.i32() + length);
  return positions;
}

// `row` [T] for each of B rows, [B, T].
Tensor repeated(Exec& exec, const Tensor& row, int64_t batch) {
  const int64_t length = row.dim(0);
  if (batch == 1) return row.reshaped(Shape{1, length});
  const Tensor rows = Tensor::empty(*exec.memory, Shape{batch, length}, DType::kI32);
  for (int64_t b = 0; b < batch; ++b) std::copy_n(row.i32(), length, rows.i32() + b * length);
  return rows;
}

std::span<const double> values_of(const Tensor& frequencies) {
  return {frequencies.f64(), static_cast<size_t>(frequencies.elements())};
}

}  // namespace

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

void Decoder::visit_linears(LinearVisitor visitor) {
  for (DecoderBlock& block : blocks_) block.visit_linears(visitor);
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
  const auto make = [&](const RopeScaling& scaling, double theta, bool is_long) {
    const std::vector<double> values =
        rope_frequencies(scaling, config_.rotated_dims(), theta, is_long);
    const Tensor tensor =
        Tensor::empty(memory, Shape{static_cast<int64_t>(values.size())}, DType::kF64);
    std::copy(values.begin(), values.end(), tensor.f64());
    return tensor;
  };
  frequencies_ = make(config_.rope_scaling, config_.rope_theta, false);
  long_frequencies_ = make(config_.rope_scaling, config_.rope_theta, true);
  if (config_.local_rope_theta)
    local_frequencies_ = make(RopeScaling{}, *config_.local_rope_theta, false);
}

KvCache Decoder::make_cache(Allocator& memory, int64_t capacity, DType dtype) const {
  return {memory,           config_.layers,   std::min(capacity, config_.max_positions),
          config_.kv_heads, config_.head_dim, dtype};
}

PagePool Decoder::make_pages(Allocator& memory, int64_t pages, DType dtype) const {
  return {memory, config_.layers, pages, config_.kv_heads, config_.head_dim, dtype};
}

void Decoder::check_positions(const DecoderInput& input) const {
  const auto check_end = [this](int64_t end) {
    if (end <= config_.max_positions) return;
    throw Error(ErrorCode::kResource, "context",
                std::to_string(end) + " tokens exceed the model's context of " +
                    std::to_string(config_.max_positions),
                "shorten the input by " + std::to_string(end - config_.max_positions) + " tokens");
  };
  for (const DecoderSegment& segment : input.segments)
    check_end(segment.sequence->length() + segment.count);
  if (input.segments.empty())
    check_end((input.cache == nullptr ? 0 : input.cache->length()) + input.ids.dim(1));
}

Tensor Decoder::forward(Exec& exec, const DecoderInput& input) const {
  check_positions(input);
  const int64_t batch = input.ids.dim(0);
  ONMAL_ASSERT(input.cache == nullptr || (batch == 1 && !input.first_keys.defined()));
  if (input.segments.empty()) return run(exec, input);
  ONMAL_ASSERT(batch == 1 && input.cache == nullptr && !input.first_keys.defined() &&
               exec.tape == nullptr);
  Exec apart = exec;
  apart.separate_rows = 0;
  bool many = false;
  for (const DecoderSegment& segment : input.segments) {
    ONMAL_ASSERT(segment.many || !many);
    many = segment.many;
    if (!many) apart.separate_rows += segment.count;
  }
  return run(apart, input);
}

Tensor Decoder::run(Exec& exec, const DecoderInput& input) const {
  const Pass pass = start_pass(exec, input);
  Tensor x = embedding(exec, embedding_.value, input.ids);
  if (config_.embedding_scale != 1.0F) x = scale(exec, x, config_.embedding_scale);
  if (config_.position == PositionKind::kLearned) {
    const Tensor positions = repeated(exec, pass.positions, input.ids.dim(0));
    x = add(exec, x, embedding(exec, position_embedding_.value, positions));
  }
  for (int64_t i = 0; i < config_.layers; ++i) {
    if (input.checkpoint_activations && exec.tape != nullptr) {
      x = checkpoint(exec, x, [this, i, pass](Exec& inner, const Tensor& value) {
        return run_block(inner, i, value, pass);
      });
    } else {
      x = run_block(exec, i, x, pass);
    }
  }
  if (input.cache != nullptr) input.cache->commit(input.ids.dim(1));
  for (const DecoderSegment& segment : input.segments) segment.sequence->commit(segment.count);
  return final_norm_(exec, x);
}

Tensor Decoder::add_branch(Exec& exec, const Tensor& x, const Tensor& branch) const {
  if (config_.residual_scale == 1.0F) return add(exec, x, branch);
  return add(exec, x, scale(exec, branch, config_.residual_scale));
}

Tensor Decoder::run_block(Exec& exec, int64_t index, const Tensor& x, const Pass& pass) const {
  const DecoderBlock& block = blocks_[static_cast<size_t>(index)];
  const bool before = config_.norm_placement != NormPlacement::kAfter;
  const bool after = config_.norm_placement != NormPlacement::kBefore;
  const Tensor normed = before ? block.attention_norm(exec, x) : x;
  Tensor branch = run_attention(exec, index, normed, pass);
  if (after) branch = block.attention_post_norm(exec, branch);
  const Tensor attended = add_branch(exec, x, branch);
  const Tensor& mlp_input = config_.parallel_residual ? x : attended;
  Tensor mlp_normed = mlp_input;
  if (config_.shared_norm) {
    mlp_normed = normed;
  } else if (before) {
    mlp_normed = block.mlp_norm(exec, mlp_input);
  }
  branch = block.feed_forward(exec, mlp_normed, config_);
  if (after) branch = block.mlp_post_norm(exec, branch);
  return add_branch(exec, attended, branch);
}

Decoder::Pass Decoder::start_pass(Exec& exec, const DecoderInput& input) const {
  Pass pass;
  pass.input = input;
  pass.positions = positions_of(exec, input);
  for (const DecoderSegment& segment : input.segments) {
    const PagedSequence& sequence = *segment.sequence;
    pass.segments.push_back({sequence.pages(), sequence.length(), segment.count, segment.many});
  }
  if (config_.position != PositionKind::kRope) return pass;
  const int64_t length = input.ids.dim(1);
  const RopeScaling& scaling = config_.rope_scaling;
  pass.rows = count_up(exec, input.ids.dim(0), length);
  // A cache is filled with one kind of rotation, chosen by all it has room for.
  int64_t room = input.cache == nullptr ? length : input.cache->capacity();
  if (!input.segments.empty()) room = input.segments.front().sequence->capacity();
  const Tensor& frequencies = scaling.is_long(room) ? long_frequencies_ : frequencies_;
  const std::span<const int32_t> positions(pass.positions.i32(), static_cast<size_t>(length));
  pass.rotation =
      make_rope_tables(*exec.memory, positions, values_of(frequencies), scaling.magnitude);
  if (config_.local_rope_theta) {
    pass.local_rotation =
        make_rope_tables(*exec.memory, positions, values_of(local_frequencies_), 1.0);
  }
  return pass;
}

const RopeTables* Decoder::rotation_of(int64_t layer, const Pass& pass) const {
  if (config_.position != PositionKind::kRope) return nullptr;
  if (!config_.is_local(layer)) return config_.global_rope ? &pass.rotation : nullptr;
  return config_.local_rope_theta ? &pass.local_rotation : &pass.rotation;
}

Tensor Decoder::run_attention(Exec& exec, int64_t index, const Tensor& normed,
                              const Pass& pass) const {
  const DecoderBlock& block = blocks_[static_cast<size_t>(index)];
  const int64_t batch = normed.dim(0);
  const int64_t length = normed.dim(1);
  const Shape query_shape{batch, length, config_.heads, config_.head_dim};
  const Shape kv_shape{batch, length, config_.kv_heads, config_.head_dim};
  Tensor q = block.query(exec, normed).reshaped(query_shape);
  Tensor k = block.key(exec, normed).reshaped(kv_shape);
  Tensor v = block.value(exec, normed).reshaped(kv_shape);
  if (config_.qk_norm != QkNorm::kNone) {
    q = DecoderBlock::norm_heads(exec, block.query_norm, q, config_.qk_norm);
    k = DecoderBlock::norm_heads(exec, block.key_norm, k, config_.qk_norm);
  }
  if (const RopeTables* tables = rotation_of(index, pass); tables != nullptr) {
    q = rope(exec, q, *tables, pass.rows, config_.rope_style);
    k = rope(exec, k, *tables, pass.rows, config_.rope_style);
  }
  const Tensor mixed = attend(exec, index, q, k, v, pass);
  return block.output(exec, mixed.reshaped(Shape{batch, length, config_.heads * config_.head_dim}));
}

Tensor Decoder::attend(Exec& exec, int64_t index, const Tensor& q, const Tensor& k, const Tensor& v,
                       const Pass& pass) const {
  AttentionParams params;
  params.scale = config_.attention_scale > 0.0F
                     ? config_.attention_scale
                     : 1.0F / std::sqrt(static_cast<float>(config_.head_dim));
  params.window = config_.is_local(index) ? config_.window : 0;
  params.softcap = config_.attention_softcap;
  const DecoderInput& input = pass.input;
  if (!input.segments.empty()) {
    int64_t from = 0;
    for (const DecoderSegment& segment : input.segments) {
      segment.sequence->write(index, k, v, from, segment.count);
      from += segment.count;
    }
    const PagePool::Layer& pages = input.segments.front().sequence->pool().layer(index);
    return paged_attention(exec, q, pages.keys, pages.values, pass.segments, params);
  }
  if (input.cache == nullptr) return attention(exec, q, k, v, params, input.first_keys);
  params.first_position = input.cache->length();
  const KvCache::View view = input.cache->append(index, k, v);
  return attention(exec, q, view.keys, view.values, params);
}

// Scaling what goes into the head is scaling what comes out of it.
Tensor Decoder::scaled_hidden(Exec& exec, const Tensor& hidden) const {
  return config_.logit_scale == 1.0F ? hidden : scale(exec, hidden, config_.logit_scale);
}

Tensor Decoder::logits(Exec& exec, const Tensor& hidden) const {
  const Param& head = config_.tied_head ? embedding_ : head_;
  const Tensor raw = linear(exec, scaled_hidden(exec, hidden), head.value);
  return config_.logit_softcap > 0.0F ? softcap(exec, raw, config_.logit_softcap) : raw;
}

CrossEntropyResult Decoder::loss(Exec& exec, const Tensor& hidden, const Tensor& targets,
                                 double normalizer, const Tensor& token_weights) const {
  const Param& head = config_.tied_head ? embedding_ : head_;
  const Tensor rows =
      scaled_hidden(exec, hidden).reshaped(Shape{hidden.shape().rows(), config_.dim});
  CrossEntropyParams params;
  params.softcap = config_.logit_softcap;
  params.row_weights = token_weights;
  return linear_cross_entropy(exec, rows, head.value, targets.reshaped(Shape{targets.elements()}),
                              params, normalizer);
}

}  // namespace onmal

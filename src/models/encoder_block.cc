#include "models/encoder_block.h"

#include <cmath>

namespace onmal {
namespace {

constexpr float kEncoderDeviation = 0.02F;

bool has_unscaled_scores(const EncoderConfig& config) { return config.attention_scale == 1.0F; }

// Of the maps into a branch: T5's own, else BERT's.
float input_deviation(const EncoderConfig& config) {
  return has_unscaled_scores(config) ? 1.0F / std::sqrt(static_cast<float>(config.dim))
                                     : kEncoderDeviation;
}

template <typename Layer>
void visit_if_there(Layer& layer, ParamVisitor visitor) {
  if (has_weight(layer)) layer.visit(visitor);
}

}  // namespace

AttentionMaps::AttentionMaps(const EncoderConfig& config, const std::string& prefix,
                             float output_deviation) {
  const int64_t inner = config.heads * config.head_dim;
  // Scores that are not scaled want smaller queries (Raffel et al., 2020).
  const float deviation = input_deviation(config);
  const float shrink =
      has_unscaled_scores(config) ? 1.0F / std::sqrt(static_cast<float>(config.head_dim)) : 1.0F;
  query = LinearLayer(prefix + "query", config.dim, inner, config.qkv_bias, deviation * shrink);
  key = LinearLayer(prefix + "key", config.dim, inner, config.qkv_bias, deviation);
  value = LinearLayer(prefix + "value", config.dim, inner, config.qkv_bias, deviation);
  output = LinearLayer(prefix + "output", inner, config.dim, config.output_bias, output_deviation);
}

void AttentionMaps::visit(ParamVisitor visitor) {
  query.visit(visitor);
  key.visit(visitor);
  value.visit(visitor);
  output.visit(visitor);
}

void AttentionMaps::visit_linears(LinearVisitor visitor) {
  for (LinearLayer* layer : {&query, &key, &value, &output}) visitor(*layer);
}

EncoderBlock::EncoderBlock(const EncoderConfig& config, const std::string& prefix, int64_t index) {
  const std::string name = prefix + "layers." + std::to_string(index) + ".";
  const float output_deviation =
      has_unscaled_scores(config)
          ? 1.0F / std::sqrt(static_cast<float>(config.heads * config.head_dim))
          : kEncoderDeviation / std::sqrt(2.0F * static_cast<float>(config.layers));
  const auto norm = [&](const std::string& what, int64_t dim, NormKind kind) {
    return NormLayer(name + what, kind, dim, config.norm_epsilon);
  };
  const int64_t inner = config.heads * config.head_dim;
  if (config.positions == EncoderPositions::kRelativeBias &&
      (index == 0 || config.relative_every_layer)) {
    relative_bias.name = name + "relative_bias.weight";
    relative_bias.shape = Shape{config.relative_buckets, config.heads};
    relative_bias.kind = ParamKind::kEmbedding;
    relative_bias.initial_deviation = input_deviation(config);
  }
  self = AttentionMaps(config, name, output_deviation);
  if (config.query_key_norm) {
    query_norm = norm("query_norm", inner, NormKind::kLayer);
    key_norm = norm("key_norm", inner, NormKind::kLayer);
  }
  attention_norm = norm("attention_norm", config.dim, config.norm);
  if (config.second_attention_norm)
    second_attention_norm = norm("second_attention_norm", config.dim, config.norm);
  if (config.cross_attention) {
    cross = AttentionMaps(config, name + "cross_", output_deviation);
    cross_norm = norm("cross_norm", config.dim, config.norm);
  }
  if (config.gated_mlp)
    gate = LinearLayer(name + "gate", config.dim, config.ffn_dim, config.gate_bias,
                       input_deviation(config));
  up =
      LinearLayer(name + "up", config.dim, config.ffn_dim, config.up_bias, input_deviation(config));
  const float down_deviation = has_unscaled_scores(config)
                                   ? 1.0F / std::sqrt(static_cast<float>(config.ffn_dim))
                                   : output_deviation;
  down = LinearLayer(name + "down", config.ffn_dim, config.dim, config.down_bias, down_deviation);
  mlp_norm = norm("mlp_norm", config.dim, config.norm);
}

void EncoderBlock::visit_linears(LinearVisitor visitor) {
  self.visit_linears(visitor);
  if (has_weight(cross.query)) cross.visit_linears(visitor);
  for (LinearLayer* layer : {&gate, &up, &down}) {
    if (has_weight(*layer)) visitor(*layer);
  }
}

void EncoderBlock::visit(ParamVisitor visitor) {
  if (relative_bias.shape.rank() > 0) visitor(relative_bias);
  self.visit(visitor);
  visit_if_there(query_norm, visitor);
  visit_if_there(key_norm, visitor);
  attention_norm.visit(visitor);
  visit_if_there(second_attention_norm, visitor);
  if (has_weight(cross.query)) cross.visit(visitor);
  visit_if_there(cross_norm, visitor);
  visit_if_there(gate, visitor);
  up.visit(visitor);
  down.visit(visitor);
  mlp_norm.visit(visitor);
}

}  // namespace onmal

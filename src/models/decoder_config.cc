#include "models/decoder_config.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "models/config_checks.h"

namespace onmal {
namespace {

constexpr int64_t kMaxDim = int64_t{1} << 20;
constexpr int64_t kMaxVocabulary = int64_t{1} << 24;
constexpr int64_t kMaxPositions = int64_t{1} << 26;
constexpr int64_t kMaxExperts = 4096;

void require_range(int64_t value, int64_t limit, const std::string& where,
                   const std::string& name) {
  require(value >= 1 && value <= limit, where,
          name + " is " + std::to_string(value) + ", must be 1 to " + std::to_string(limit));
}

bool all_positive(const std::vector<float>& factors) {
  return std::all_of(factors.begin(), factors.end(),
                     [](float factor) { return std::isfinite(factor) && factor > 0.0F; });
}

void validate_rope(const DecoderConfig& config, const std::string& where) {
  const RopeScaling& scaling = config.rope_scaling;
  require(config.rotary_dims >= 0 && config.rotated_dims() <= config.head_dim, where,
          "more dimensions are rotated than a head has");
  require(config.rotated_dims() % 2 == 0, where,
          "rotary positions need an even number of dimensions, not " +
              std::to_string(config.rotated_dims()));
  require(config.rope_theta > 0.0 && config.local_rope_theta.value_or(1.0) > 0.0, where,
          "rope_theta must be positive");
  require(std::isfinite(scaling.factor) && scaling.factor > 0.0, where,
          "the rope scaling's factor must be positive");
  require(std::isfinite(scaling.magnitude) && scaling.magnitude > 0.0, where,
          "the rope scaling's attention factor must be positive");
  const bool from_original = scaling.kind == RopeScalingKind::kYarn ||
                             scaling.kind == RopeScalingKind::kLlama3 ||
                             scaling.kind == RopeScalingKind::kLongRope;
  require(!from_original || scaling.original_positions > 0, where,
          "the rope scaling needs the number of positions first trained on");
  const auto pairs = static_cast<size_t>(config.rotated_dims() / 2);
  const bool has_long =
      scaling.kind == RopeScalingKind::kFactors || scaling.kind == RopeScalingKind::kLongRope;
  const bool has_short = scaling.kind == RopeScalingKind::kLongRope;
  require((!has_long || scaling.long_factors.size() == pairs) &&
              (!has_short || scaling.short_factors.size() == pairs),
          where, "there must be one rope factor for each of " + std::to_string(pairs) + " pairs");
  require(all_positive(scaling.long_factors) && all_positive(scaling.short_factors), where,
          "rope factors must be positive");
}

void validate_experts(const DecoderConfig& config, const std::string& where) {
  const ExpertsConfig& experts = config.experts;
  if (experts.count == 0) return;
  require_range(experts.count, kMaxExperts, where, "the number of experts");
  require_range(experts.per_token, experts.count, where, "the number of experts for each token");
  require_range(experts.ffn_dim, kMaxDim, where, "the experts' feed-forward dimension");
  require(experts.count * experts.ffn_dim <= kMaxDim * 64, where, "the experts are too large");
  require(experts.shared_ffn_dim >= 0 && experts.shared_ffn_dim <= kMaxDim, where,
          "the shared expert's feed-forward dimension is out of range");
  require(config.gated_mlp && !config.mlp_bias, where, "experts must be gated, without biases");
}

int64_t dense_parameters(const DecoderConfig& config) {
  int64_t count = (config.gated_mlp ? 3 : 2) * config.dim * config.ffn_dim;
  if (config.mlp_bias) count += (config.gated_mlp ? 2 : 1) * config.ffn_dim + config.dim;
  return count;
}

int64_t expert_parameters(const DecoderConfig& config) {
  const ExpertsConfig& experts = config.experts;
  int64_t count = experts.count * config.dim * (1 + 3 * experts.ffn_dim);
  if (experts.shared_ffn_dim > 0) count += config.dim * (1 + 3 * experts.shared_ffn_dim);
  return count;
}

int64_t attention_parameters(const DecoderConfig& config) {
  const int64_t query_dim = config.heads * config.head_dim;
  const int64_t kv_dim = config.kv_heads * config.head_dim;
  int64_t count = 2 * config.dim * (query_dim + kv_dim);
  if (config.qk_norm == QkNorm::kHead) count += 2 * config.head_dim;
  if (config.qk_norm == QkNorm::kWhole || config.qk_norm == QkNorm::kOwnHead)
    count += query_dim + kv_dim;
  if (config.qkv_bias) count += query_dim + 2 * kv_dim;
  if (config.output_bias) count += config.dim;
  return count;
}

}  // namespace

bool DecoderConfig::is_local(int64_t layer) const {
  return window > 0 && (local_layers.empty() || local_layers[static_cast<size_t>(layer)]);
}

bool DecoderConfig::has_experts(int64_t layer) const {
  return experts.count > 0 &&
         (experts.in_layers.empty() || experts.in_layers[static_cast<size_t>(layer)]);
}

void DecoderConfig::validate(const std::string& where) const {
  require_range(vocab_size, kMaxVocabulary, where, "vocab_size");
  require_range(dim, kMaxDim, where, "dim");
  require_range(layers, 4096, where, "layers");
  require_range(heads, 65536, where, "heads");
  require_range(kv_heads, heads, where, "kv_heads");
  require_range(head_dim, 65536, where, "head_dim");
  require_range(ffn_dim, kMaxDim, where, "ffn_dim");
  require_range(max_positions, kMaxPositions, where, "max_positions");
  require(heads % kv_heads == 0, where,
          std::to_string(heads) + " heads cannot share " + std::to_string(kv_heads) +
              " key/value heads evenly");
  if (position == PositionKind::kRope) validate_rope(*this, where);
  require(norm_epsilon > 0.0F && norm_epsilon < 1.0F, where,
          "norm_epsilon must lie between 0 and 1");
  require(heads * head_dim <= kMaxDim * 4, where, "heads * head_dim is too large");
  require(window >= 0, where, "the attention window must not be negative");
  const auto count = static_cast<size_t>(layers);
  require((local_layers.empty() || local_layers.size() == count) &&
              (experts.in_layers.empty() || experts.in_layers.size() == count),
          where, "there must be one kind for each of " + std::to_string(layers) + " layers");
  require(norm_placement == NormPlacement::kBefore || !parallel_residual, where,
          "branches side by side are normed before, not after");
  for (const float scale : {attention_scale, attention_softcap, logit_softcap, embedding_scale,
                            residual_scale, logit_scale}) {
    require(std::isfinite(scale) && scale >= 0.0F, where,
            "scales and soft caps must be finite and not negative");
  }
  validate_experts(*this, where);
}

int64_t DecoderConfig::parameter_count() const {
  const int64_t norm_size = norm == NormKind::kLayer ? 2 * dim : dim;
  const int64_t norms = shared_norm ? 1 : norm_placement == NormPlacement::kBoth ? 4 : 2;
  int64_t total = layers * (attention_parameters(*this) + norms * norm_size);
  for (int64_t i = 0; i < layers; ++i)
    total += has_experts(i) ? expert_parameters(*this) : dense_parameters(*this);
  total += vocab_size * dim + norm_size;
  if (!tied_head) total += vocab_size * dim;
  if (position == PositionKind::kLearned) total += max_positions * dim;
  return total;
}

}  // namespace onmal

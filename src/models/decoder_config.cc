#include "models/decoder_config.h"

#include "base/error.h"

namespace onmal {
namespace {

constexpr int64_t kMaxDim = int64_t{1} << 20;
constexpr int64_t kMaxVocabulary = int64_t{1} << 24;
constexpr int64_t kMaxPositions = int64_t{1} << 26;

void require(bool condition, const std::string& where, const std::string& what) {
  if (!condition)
    throw Error(ErrorCode::kInvalidArgument, where, what, "check the model's configuration");
}

void require_range(int64_t value, int64_t limit, const std::string& where,
                   const std::string& name) {
  require(value >= 1 && value <= limit, where,
          name + " is " + std::to_string(value) + ", must be 1 to " + std::to_string(limit));
}

}  // namespace

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
  require(position != PositionKind::kRope || head_dim % 2 == 0, where,
          "rotary positions need an even head_dim");
  require(rope_factors.empty() || static_cast<int64_t>(rope_factors.size()) == head_dim / 2, where,
          "there must be one rope factor for each pair of a head's dimensions");
  require(norm_epsilon > 0.0F && norm_epsilon < 1.0F, where,
          "norm_epsilon must lie between 0 and 1");
  require(rope_theta > 0.0, where, "rope_theta must be positive");
  require(heads * head_dim <= kMaxDim * 4, where, "heads * head_dim is too large");
}

int64_t DecoderConfig::parameter_count() const {
  const int64_t query_dim = heads * head_dim;
  const int64_t kv_dim = kv_heads * head_dim;
  const int64_t norm_size = norm == NormKind::kLayer ? 2 * dim : dim;
  int64_t layer = dim * query_dim + 2 * dim * kv_dim + query_dim * dim +
                  (gated_mlp ? 3 : 2) * dim * ffn_dim + 2 * norm_size;
  if (qk_norm) layer += 2 * head_dim;
  if (qkv_bias) layer += query_dim + 2 * kv_dim;
  if (output_bias) layer += dim;
  if (mlp_bias) layer += (gated_mlp ? 2 : 1) * ffn_dim + dim;
  int64_t total = layers * layer + vocab_size * dim + norm_size;
  if (!tied_head) total += vocab_size * dim;
  if (position == PositionKind::kLearned) total += max_positions * dim;
  return total;
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/rope_scaling.h"
#include "nn/norm_layer.h"
#include "ops/backend.h"

namespace onmal {

enum class PositionKind : uint8_t { kRope, kLearned };

// Where a branch (attention or feed-forward) is normed: its input, its output, or both.
enum class NormPlacement : uint8_t { kBefore, kAfter, kBoth };

// How queries and keys are normed before the rotation.
enum class QkNorm : uint8_t {
  kNone,
  kHead,     // RMS of each head, one weight [head_dim] for all heads
  kWhole,    // RMS of all heads together, weight [heads * head_dim]
  kOwnHead,  // layer norm of each head without bias, weight [heads, head_dim]
};

// Feed-forward networks of which a router picks a few for each token.
struct ExpertsConfig {
  int64_t count = 0;  // 0: the model has none
  int64_t per_token = 0;
  int64_t ffn_dim = 0;
  bool normalize = true;        // the weights of the chosen ones add up to 1
  int64_t shared_ffn_dim = 0;   // > 0: one more for every token, opened by a sigmoid gate
  std::vector<bool> in_layers;  // layers that have experts; empty: all
};

// A decoder-only Transformer as data. What an architecture is, beyond names of its weights, stands
// here.
struct DecoderConfig {
  std::string architecture = "llama";  // a name of models/architecture.cc
  int64_t vocab_size = 0;
  int64_t dim = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t ffn_dim = 0;
  int64_t max_positions = 0;

  NormKind norm = NormKind::kRms;
  float norm_epsilon = 1e-5F;
  NormPlacement norm_placement = NormPlacement::kBefore;
  bool parallel_residual = false;  // x + attention(norm(x)) + mlp(norm'(x))
  bool shared_norm = false;        // with parallel_residual: norm' is norm
  QkNorm qk_norm = QkNorm::kNone;

  PositionKind position = PositionKind::kRope;
  double rope_theta = 10000.0;
  RopeScaling rope_scaling;
  int64_t rotary_dims = 0;  // the first dimensions of a head that are rotated; 0: all
  RopeStyle rope_style = RopeStyle::kHalves;
  std::optional<double> local_rope_theta;  // of layers with a window, which then scale nothing
  bool global_rope = true;                 // false: layers without a window do not rotate

  int64_t window = 0;              // > 0: a token sees only so many, itself included
  std::vector<bool> local_layers;  // layers with that window; empty: all
  float attention_scale = 0.0F;    // 0: 1 / sqrt(head_dim)
  float attention_softcap = 0.0F;  // 0: none
  float logit_softcap = 0.0F;      // 0: none
  float embedding_scale = 1.0F;
  float residual_scale = 1.0F;  // of what a branch adds
  float logit_scale = 1.0F;

  bool qkv_bias = false;
  bool output_bias = false;  // of the attention's output projection
  bool mlp_bias = false;
  bool gated_mlp = true;  // f(gate) * up, else f(up)
  Activation activation = Activation::kSilu;
  bool tied_head = true;
  ExpertsConfig experts;

  int64_t rotated_dims() const { return rotary_dims > 0 ? rotary_dims : head_dim; }
  bool is_local(int64_t layer) const;
  bool has_experts(int64_t layer) const;

  // Throws Error(kInvalidArgument), naming `where`, when the numbers make no model or overflow.
  void validate(const std::string& where) const;
  int64_t parameter_count() const;
};

}  // namespace onmal

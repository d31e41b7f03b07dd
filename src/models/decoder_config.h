#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/norm_layer.h"
#include "ops/backend.h"

namespace onmal {

enum class PositionKind : uint8_t { kRope, kLearned };

// A decoder-only Transformer as data. What an architecture is, beyond names of its weights, stands
// here.
struct DecoderConfig {
  std::string architecture = "llama";
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
  PositionKind position = PositionKind::kRope;
  double rope_theta = 10000.0;
  std::vector<float> rope_factors;  // each rotation frequency is divided by its factor; empty: by 1
  RopeStyle rope_style = RopeStyle::kHalves;
  bool qk_norm = false;  // RMS norm of each head's query and key before the rotation
  bool qkv_bias = false;
  bool output_bias = false;  // of the attention's output projection
  bool mlp_bias = false;
  bool gated_mlp = true;  // f(gate) * up, else f(up)
  Activation activation = Activation::kSilu;
  bool tied_head = true;
  float attention_softcap = 0.0F;
  int64_t window = 0;
  float embedding_scale = 1.0F;

  // Throws Error(kInvalidArgument), naming `where`, when the numbers make no model or overflow.
  void validate(const std::string& where) const;
  int64_t parameter_count() const;
};

}  // namespace onmal

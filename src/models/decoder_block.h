#pragma once

#include "models/decoder_config.h"
#include "nn/linear_layer.h"
#include "nn/norm_layer.h"
#include "nn/param.h"

namespace onmal {

// A mixture of experts in place of one feed-forward network (see ops/experts.h).
struct ExpertsLayer {
  ExpertsLayer() = default;
  ExpertsLayer(const std::string& name, const DecoderConfig& config, float deviation,
               float output_deviation);

  Tensor operator()(Exec& exec, const Tensor& x, const DecoderConfig& config) const;
  void visit(ParamVisitor visitor);
  bool present() const { return gate.shape.rank() > 0; }

  LinearLayer router;                               // [experts, dim]
  Param gate, up, down;                             // [experts, out, in]
  LinearLayer shared_gate, shared_up, shared_down;  // one expert for all tokens …
  LinearLayer shared_router;                        // … and how far it is open, [1, dim]
};

// One layer's weights. Which of the norms exist depends on config.norm_placement.
struct DecoderBlock {
  DecoderBlock(const DecoderConfig& config, int64_t index);
  void visit(ParamVisitor visitor);
  void visit_linears(LinearVisitor visitor);
  // The feed-forward branch of a normed input.
  Tensor feed_forward(Exec& exec, const Tensor& normed, const DecoderConfig& config) const;
  // Queries or keys [batch, length, heads, head_dim], normed as config.qk_norm says.
  static Tensor norm_heads(Exec& exec, const NormLayer& norm, const Tensor& x, QkNorm kind);

  NormLayer attention_norm, attention_post_norm;
  LinearLayer query, key, value, output;
  NormLayer query_norm, key_norm;
  NormLayer mlp_norm, mlp_post_norm;
  LinearLayer gate, up, down;  // gate with config.gated_mlp; none of them in layers with experts
  ExpertsLayer experts;
};

}  // namespace onmal

#pragma once

#include <string>

#include "models/encoder_config.h"
#include "nn/linear_layer.h"
#include "nn/norm_layer.h"
#include "nn/param.h"

namespace onmal {

// Whether the model has this part.
inline bool has_weight(const Param& param) { return param.shape.rank() > 0; }
inline bool has_weight(const LinearLayer& layer) { return has_weight(layer.weight); }
inline bool has_weight(const NormLayer& layer) { return has_weight(layer.weight); }

// The four maps of multi-head attention.
struct AttentionMaps {
  AttentionMaps() = default;
  // Names "<prefix>query", "<prefix>key"…
  AttentionMaps(const EncoderConfig& config, const std::string& prefix, float output_deviation);
  void visit(ParamVisitor visitor);
  void visit_linears(LinearVisitor visitor);

  LinearLayer query, key, value, output;
};

// The weights of one layer of an encoder, or of a decoder that looks at an encoder's output.
struct EncoderBlock {
  EncoderBlock(const EncoderConfig& config, const std::string& prefix, int64_t index);
  void visit(ParamVisitor visitor);
  void visit_linears(LinearVisitor visitor);

  Param relative_bias;  // [buckets, heads], where this layer has a table of its own
  AttentionMaps self;
  NormLayer query_norm, key_norm;  // with config.query_key_norm
  NormLayer attention_norm;
  NormLayer second_attention_norm;
  AttentionMaps cross;  // with config.cross_attention
  NormLayer cross_norm;
  LinearLayer gate, up, down;
  NormLayer mlp_norm;
};

}  // namespace onmal

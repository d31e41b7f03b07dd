#pragma once

#include <string>
#include <vector>

#include "autograd/exec.h"
#include "models/decoding_cache.h"
#include "models/encoder_block.h"
#include "ops/rope.h"

namespace onmal {

struct StackInput {
  Tensor embedded;    // [B, T, dim]: rows of the token table
  Tensor positions;   // undefined: 0, 1, … in each row; or i32 [B, T] (texts packed into a row)
  Tensor first_keys;  // undefined, or i32 [B, T]: lowest key each token may see
  Tensor key_ends;    // undefined, or i32 [B, T]: one past the highest
  Tensor types;       // undefined: all 0; or i32 [B, T]: which row of the token types is added
  Tensor source;      // with cross attention: hidden states [B or 1, S, dim] of the encoder …
  Tensor source_firsts;            // … the first key of it that each token may see; as first_keys
  Tensor source_ends;              // … and one past the last
  DecodingCache* cache = nullptr;  // the rows continue what it holds; source is read the first time
  bool checkpoint_activations = false;
};

// Layers with what stands before and behind them; everything but the token table.
class EncoderStack {
 public:
  // Weights are named "<prefix>layers.0.query.weight"…; their values are undefined at first.
  EncoderStack(EncoderConfig config, const std::string& prefix);

  const EncoderConfig& config() const { return config_; }
  // Hidden states [B, T, dim]. Throws Error(kResource) when positions exceed the context.
  Tensor forward(Exec& exec, const StackInput& input) const;
  void visit(ParamVisitor visitor);
  void visit_linears(LinearVisitor visitor);
  // Builds the tables that are computed and not learned; call once the weights are there.
  void prepare(Allocator& memory);

 private:
  struct Call;  // what all layers of one forward pass share
  Tensor embed(Exec& exec, const StackInput& input, const Tensor& positions) const;
  Tensor relative_bias(Exec& exec, const EncoderBlock& block) const;
  Tensor alibi_bias(Exec& exec, int64_t length, DType dtype) const;
  Tensor run_block(Exec& exec, int64_t index, const Tensor& x, const Call& call) const;
  Tensor self_attention(Exec& exec, int64_t index, const Tensor& x, const Call& call) const;
  Tensor cross_attention(Exec& exec, int64_t index, const Tensor& x, const Call& call) const;
  Tensor mlp(Exec& exec, const EncoderBlock& block, const Tensor& x) const;

  EncoderConfig config_;
  Param position_embedding_;  // with kLearned
  Param type_embedding_;      // with token_types
  NormLayer embedding_norm_, final_norm_;
  std::vector<EncoderBlock> blocks_;
  Tensor sinusoids_;  // [max_positions, dim]
  Tensor buckets_;    // i32 [2 * relative_distance + 1]
  RopeTables rope_tables_;
};

}  // namespace onmal

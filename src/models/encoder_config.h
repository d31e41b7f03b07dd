#pragma once

#include <cstdint>
#include <string>

#include "nn/norm_layer.h"
#include "ops/backend.h"

namespace onmal {

// How a stack of layers knows the order of its tokens.
enum class EncoderPositions : uint8_t {
  kNone,
  kLearned,       // a table added to the embeddings
  kSinusoidal,    // the same, by formula: sines in the first half, cosines in the second (Marian)
  kRope,          // queries and keys rotated
  kAlibi,         // a slope per head times the distance, added to the scores (Press et al., 2022)
  kRelativeBias,  // a learned value per head and bucket of distances (Raffel et al., 2020)
};

// How the hidden states of a text become one vector.
enum class Pooling : uint8_t { kNone, kMean, kCls, kLast };

// "mean", "cls", "last", "none".
std::string pooling_name(Pooling pooling);

// A stack of Transformer layers as data: a whole encoder, or one half of an encoder–decoder.
struct EncoderConfig {
  std::string architecture = "bert";
  int64_t vocab_size = 0;
  int64_t dim = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t head_dim = 0;
  int64_t ffn_dim = 0;
  int64_t max_positions = 0;
  int64_t token_types = 0;  // entries of the token-type table, of which row 0 is added; 0: none

  NormKind norm = NormKind::kLayer;
  float norm_epsilon = 1e-12F;
  bool norm_first = false;      // x + f(norm(x)), else norm(x + f(x))
  bool embedding_norm = false;  // behind the sum of the embeddings
  bool final_norm = false;
  bool query_key_norm = false;         // layer norms over whole queries and keys (Jina)
  bool second_attention_norm = false;  // norm(x + norm(x + f(x))) around attention (Jina)

  EncoderPositions positions = EncoderPositions::kLearned;
  int64_t position_offset = 0;  // the table's row of the first token (RoBERTa: padding id + 1)
  double rope_theta = 10000.0;
  RopeStyle rope_style = RopeStyle::kHalves;
  int64_t relative_buckets = 32;
  int64_t relative_distance = 128;    // from here on all distances share the last bucket
  bool relative_every_layer = false;  // each layer has a table of its own (umT5), else the first's

  float attention_scale = 0.0F;  // of q·k; 0: 1 / sqrt(head_dim)
  float embedding_scale = 1.0F;
  bool qkv_bias = false;
  bool output_bias = false;
  bool up_bias = false;
  bool gate_bias = false;
  bool down_bias = false;
  bool gated_mlp = false;  // f(gate) * up, else f(up)
  Activation activation = Activation::kGeluErf;

  bool causal = false;           // the decoder half
  bool cross_attention = false;  // the decoder half

  Pooling pooling = Pooling::kNone;  // what the file says

  // Throws Error(kInvalidArgument), naming `where`, when the numbers make no model or overflow.
  void validate(const std::string& where) const;
};

// The activation that configurations call `name`; throws Error(kUnsupported), naming `where`.
Activation activation_from_name(const std::string& name, const std::string& where);

// A configuration's number as a token id; throws Error(kBadFile), naming `where`, when it can be
// none.
int32_t token_id(int64_t number, const std::string& where);

// T5's bucket of a distance (key position - query position), in single precision as the reference
// computes it. Negative distances are keys before the query; a causal stack has no others.
int32_t relative_bucket(int64_t distance, bool causal, int64_t buckets, int64_t max_distance);

// ALiBi's slope of head `index` of `heads` (Press et al., 2022, for any number of heads).
double alibi_slope(int64_t index, int64_t heads);

}  // namespace onmal

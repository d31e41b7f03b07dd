#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "models/encoder.h"
#include "ops/cross_entropy.h"

namespace onmal {

// An encoder–decoder as data: two stacks and what joins them.
struct EncoderDecoderConfig {
  EncoderConfig encoder;
  EncoderConfig decoder;
  bool shared_embedding = true;  // one token table for both halves
  bool tied_head = true;         // the decoder's table is the head too
  float head_scale = 1.0F;       // of hidden states before the head
  bool head_bias = false;

  int32_t start_id = 0;                // the decoder's first token
  std::vector<int32_t> end_ids;        // tokens that end an output
  std::vector<int32_t> forbidden_ids;  // never written (padding, in Marian's models)
  int64_t beams = 1;                   // what the file recommends
  double length_penalty = 1.0;
  int64_t max_tokens = 512;

  void validate(const std::string& where) const;
};

// What the second half reads; see StackInput.
struct DecodeInput {
  Tensor ids;                      // i32 [B, T]: the start token and what is written so far
  Tensor positions;                // undefined, or i32 [B, T] (several outputs packed into a row)
  Tensor first_keys;               // undefined, or i32 [B, T]
  Tensor source;                   // hidden states [B or 1, S, dim]
  Tensor source_firsts;            // undefined, or i32 [B, T]
  Tensor source_ends;              // undefined, or i32 [B, T]
  DecodingCache* cache = nullptr;  // the ids continue what it holds; one and the same source
  bool checkpoint_activations = false;
};

class EncoderDecoder {
 public:
  explicit EncoderDecoder(EncoderDecoderConfig config);

  const EncoderDecoderConfig& config() const { return config_; }

  // Hidden states [B, S, dim] of the source.
  Tensor encode(Exec& exec, const EncoderInput& input) const;
  // Hidden states [B, T, dim] of the tokens written.
  Tensor decode(Exec& exec, const DecodeInput& input) const;
  Tensor decode(Exec& exec, const Tensor& ids, const Tensor& source, const Tensor& source_ends = {},
                DecodingCache* cache = nullptr, bool checkpoint_activations = false) const;
  // Hidden states [.., dim] -> [.., vocab_size].
  Tensor logits(Exec& exec, const Tensor& hidden) const;
  // Mean cross-entropy of the next tokens; see linear_cross_entropy.
  CrossEntropyResult loss(Exec& exec, const Tensor& hidden, const Tensor& targets,
                          double normalizer = 0) const;

  DecodingCache make_cache(Allocator& memory, int64_t batch, int64_t capacity) const;

  void visit(ParamVisitor visitor);
  void visit_linears(LinearVisitor visitor);
  void initialize(Allocator& memory, Rng& rng);
  void set_trained(bool trained);
  void prepare(Allocator& memory);

 private:
  const Param& decoder_table() const {
    return config_.shared_embedding ? embedding_ : decoder_embedding_;
  }

  EncoderDecoderConfig config_;
  Param embedding_;          // shared, or the encoder's
  Param decoder_embedding_;  // when not shared
  EncoderStack encoder_;
  EncoderStack decoder_;
  Param head_;       // when not tied
  Param head_bias_;  // [vocab_size]
};

}  // namespace onmal

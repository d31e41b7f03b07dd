#pragma once

#include "base/rng.h"
#include "models/encoder_stack.h"

namespace onmal {

struct EncoderInput {
  Tensor ids;         // i32 [B, T]
  Tensor positions;   // undefined, or i32 [B, T]; see StackInput
  Tensor first_keys;  // undefined, or i32 [B, T]
  Tensor key_ends;    // undefined, or i32 [B, T]
  bool checkpoint_activations = false;
  Tensor types = {};  // undefined, or i32 [B, T]
};

// Token ids to hidden states: BERT and its kin, or the first half of an encoder–decoder alone.
// Training, embedding and classification run the same forward; heads stand above it.
class Encoder {
 public:
  // Describes the weights; their values are undefined until initialised or loaded.
  explicit Encoder(EncoderConfig config);

  const EncoderConfig& config() const { return stack_.config(); }
  // Hidden states [B, T, dim] of the last layer. Throws Error(kResource) when positions exceed the
  // context and Error(kInvalidArgument) for a token id outside the vocabulary.
  Tensor forward(Exec& exec, const EncoderInput& input) const;

  // Every weight, in a fixed order.
  void visit(ParamVisitor visitor);
  // Every linear map of the layers: what adapters attach to.
  void visit_linears(LinearVisitor visitor) { stack_.visit_linears(visitor); }
  // The token table [vocab_size, dim]; heads that predict tokens share it.
  const Param& table() const { return embedding_; }
  // Normal initial values, f32 from `memory`.
  void initialize(Allocator& memory, Rng& rng);
  // Tags all weights as trained (numbers from 1 in visiting order), or none.
  void set_trained(bool trained);
  // Builds computed tables; call once the weights are there.
  void prepare(Allocator& memory) { stack_.prepare(memory); }

 private:
  Param embedding_;
  EncoderStack stack_;
};

// Fills positions, first_keys and key_ends for texts of these lengths, one behind the other in one
// row of ids [1, sum of lengths]: no padding is computed, and no text sees another.
EncoderInput pack_texts(Allocator& memory, std::span<const std::vector<int32_t>> texts);

// key_ends [B, T] for rows of which the first lengths[b] tokens count.
Tensor make_key_ends(Allocator& memory, std::span<const int64_t> lengths, int64_t rows);

}  // namespace onmal

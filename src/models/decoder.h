#pragma once

#include <span>
#include <vector>

#include "models/decoder_block.h"
#include "models/decoder_config.h"
#include "nn/kv_cache.h"
#include "nn/norm_layer.h"
#include "nn/paged_kv_cache.h"
#include "nn/param.h"
#include "ops/cross_entropy.h"
#include "ops/rope.h"

namespace onmal {

// Neighbouring tokens of one of several sequences that are computed together.
struct DecoderSegment {
  PagedSequence* sequence = nullptr;  // whose tokens these follow; has pages for them
  int64_t count = 0;
  bool many = false;  // computed as many tokens are, however few there may be
};

struct DecoderInput {
  Tensor ids;         // i32 [B, T]
  Tensor first_keys;  // undefined, or i32 [B, T]: lowest key each token may see (packed documents;
                      // no cache then)
  KvCache* cache = nullptr;  // with one: B is 1, and ids follow the tokens it holds
  bool checkpoint_activations =
      false;  // training: keep only each layer's input, compute the rest again
  // With some: ids are [1, R], the segments' tokens one behind the other, those with `many` last;
  // all sequences of one pool. No cache and no first_keys then, and nothing is recorded. What a
  // token becomes depends on its sequence and on `many` alone, not on the other segments (but for
  // experts whose weights are not packed, in the last bits).
  std::span<const DecoderSegment> segments = {};
};

// The model, written once: training, tuning on a quantised base and decoding run the same forward.
class Decoder {
 public:
  // Describes the weights; their values are undefined until initialised or loaded.
  explicit Decoder(DecoderConfig config);

  const DecoderConfig& config() const { return config_; }

  // Hidden states [B, T, dim] after the last norm. Throws Error(kResource) when positions exceed
  // the context and Error(kInvalidArgument) for a token id outside the vocabulary.
  Tensor forward(Exec& exec, const DecoderInput& input) const;
  // Logits of hidden states [.., dim] -> [.., vocab_size], scaled and capped as the model says.
  Tensor logits(Exec& exec, const Tensor& hidden) const;
  // Mean next-token cross-entropy, perhaps with constant weights of the tokens; see
  // linear_cross_entropy.
  CrossEntropyResult loss(Exec& exec, const Tensor& hidden, const Tensor& targets,
                          double normalizer = 0, const Tensor& token_weights = {}) const;

  // Every weight, in a fixed order.
  void visit(ParamVisitor visitor);
  // Every linear map of the layers (those of experts that a router picks aside): what adapters
  // attach to.
  void visit_linears(LinearVisitor visitor);

  // Normal initial values (GPT-2's scheme: output projections scaled by 1/sqrt(2 layers)), f32 from
  // `memory`.
  void initialize(Allocator& memory, Rng& rng);
  // Tags all weights as trained (numbers from 1 in visiting order), or none.
  void set_trained(bool trained);
  // Computes the rotation frequencies; call once the weights are there.
  void prepare(Allocator& memory);

  KvCache make_cache(Allocator& memory, int64_t capacity, DType dtype = DType::kF32) const;
  PagePool make_pages(Allocator& memory, int64_t pages, DType dtype = DType::kF32) const;

 private:
  // What all layers of one forward pass share.
  struct Pass {
    DecoderInput input;
    Tensor rows;                          // i32 [B, T]: 0, 1, … in each row, rows of the tables
    Tensor positions;                     // i32 [T]: of the tokens of each row
    std::vector<PagedSegment> segments;   // of several sequences
    RopeTables rotation, local_rotation;  // undefined where no layer uses them
  };
  void check_positions(const DecoderInput& input) const;
  Pass start_pass(Exec& exec, const DecoderInput& input) const;
  Tensor run(Exec& exec, const DecoderInput& input) const;
  Tensor run_block(Exec& exec, int64_t index, const Tensor& x, const Pass& pass) const;
  Tensor run_attention(Exec& exec, int64_t index, const Tensor& normed, const Pass& pass) const;
  // The keys and values go to where the pass keeps them; all that the queries may see are read.
  Tensor attend(Exec& exec, int64_t index, const Tensor& q, const Tensor& k, const Tensor& v,
                const Pass& pass) const;
  Tensor add_branch(Exec& exec, const Tensor& x, const Tensor& branch) const;
  // Hidden states as the head takes them.
  Tensor scaled_hidden(Exec& exec, const Tensor& hidden) const;
  // The rotation of a layer; null where it has none.
  const RopeTables* rotation_of(int64_t layer, const Pass& pass) const;

  DecoderConfig config_;
  Param embedding_;
  Param position_embedding_;  // with PositionKind::kLearned
  std::vector<DecoderBlock> blocks_;
  NormLayer final_norm_;
  Param head_;  // when not tied
  // f64 [rotated / 2], radians a position:
  Tensor frequencies_;
  Tensor long_frequencies_;   // longrope, for sequences with more room than first trained on
  Tensor local_frequencies_;  // with config.local_rope_theta, of layers with a window
};

}  // namespace onmal

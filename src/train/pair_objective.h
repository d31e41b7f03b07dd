#pragma once

#include "models/encoder_decoder_model.h"
#include "train/objective.h"
#include "train/pair_source.h"

namespace onmal {

// An encoder-decoder writes a target for each source: pairs of a table, or cut-out spans of a
// shard. A sequence is one pair; a batch packs sources and targets into rows, several pairs to a
// row where both fit.
class PairObjective : public Objective {
 public:
  explicit PairObjective(const Recipe& recipe);

  WatchedMeasure watched() const override { return {"heldout_loss", false}; }
  int64_t usual_evaluation() const override { return 1000; }
  int64_t sequences() const override { return split_.train->pairs(); }
  bool has_heldout() const override { return split_.heldout != nullptr; }
  void visit(ParamVisitor visitor) override;
  Allocator& memory() override { return *model_.memory; }
  TrainBatch make_batch(Allocator& memory, uint64_t position, int64_t count) const override;
  TrainLoss loss(Exec& exec, const TrainBatch& batch, double normalizer) const override;
  Evaluation evaluate(Exec& exec, int64_t most, int64_t count) const override;
  double flops_per_token() const override { return flops_per_token_; }
  std::string fingerprint() const override;
  void save(const std::filesystem::path& folder) override {
    save_encoder_decoder(model_, folder, DType::kF32);
  }

 private:
  TrainBatch read_batch(const PairSource& source, Allocator& memory, uint64_t position,
                        int64_t count) const;
  CrossEntropyResult pair_loss(Exec& exec, const TrainBatch& batch, double normalizer,
                               bool checkpoint_activations) const;

  TaskKind task_;
  int64_t length_;
  RunRecipe run_;
  EncoderDecoderModel model_;
  PairSplit split_;
  double flops_per_token_ = 0;
};

// Pairs packed into rows: as many rows of sources as of targets, a pair in the same row of both.
// The target goes in behind `start_id`, without its last token.
TrainBatch pack_pairs(Allocator& memory, std::span<const TokenPair> pairs, int64_t length,
                      int32_t start_id);

}  // namespace onmal

#pragma once

#include "models/encoder_model.h"
#include "train/objective.h"

namespace onmal {

// Texts that belong together get vectors near to each other (InfoNCE, van den Oord et al., 2018):
// each source of a batch is to find its own target among all of the batch, and the other way round.
// A vector is the mean of a text's hidden states at length 1. A sequence is one pair; texts equal
// to the wanted one are no wrong answers.
class ContrastiveObjective : public Objective {
 public:
  explicit ContrastiveObjective(const Recipe& recipe);

  std::string loss_unit() const override { return "nats per pair"; }
  WatchedMeasure watched() const override { return {"heldout_loss", false}; }
  int64_t usual_evaluation() const override { return 2048; }
  int64_t sequences() const override { return static_cast<int64_t>(train_.size()); }
  bool has_heldout() const override { return !heldout_.empty(); }
  void visit(ParamVisitor visitor) override { model_.encoder->visit(visitor); }
  Allocator& memory() override { return *model_.memory; }
  TrainBatch make_batch(Allocator& memory, uint64_t position, int64_t count) const override;
  TrainLoss loss(Exec& exec, const TrainBatch& batch, double normalizer) const override;
  // The loss, and how often a source finds its target first among a batch.
  Evaluation evaluate(Exec& exec, int64_t most, int64_t count) const override;
  double flops_per_token() const override { return flops_per_token_; }
  std::string fingerprint() const override;
  void save(const std::filesystem::path& folder) override;

 private:
  struct Pair {
    std::vector<int32_t> source, target;
  };
  void read(const std::filesystem::path& path, const DataRecipe& data, bool split);
  TrainBatch pack(Allocator& memory, std::span<const Pair* const> pairs) const;
  Tensor hidden_states(Exec& exec, const TrainBatch& batch, bool checkpoint_activations) const;

  int64_t length_;
  double temperature_;
  RunRecipe run_;
  EncoderModel model_;
  std::vector<Pair> train_, heldout_;
  double flops_per_token_ = 0;
};

// What the pairs of a batch cost: the sum of both directions' mean losses / normalizer, and
// d(loss)/d(hidden). hidden f32 [.., D]; spans: all sources, then all targets, as tokens of hidden;
// numbers i32 [spans]: texts with the same number are the same. `found` (or null) counts sources
// that are nearest to their own target.
TrainLoss contrastive_loss(Exec& exec, const Tensor& hidden,
                           std::span<const TrainBatch::Span> spans, const Tensor& numbers,
                           double temperature, double normalizer, int64_t* found = nullptr);

}  // namespace onmal

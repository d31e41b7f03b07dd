#pragma once

#include "models/masked_head.h"
#include "train/batch_source.h"
#include "train/objective.h"

namespace onmal {

// Masked language modelling (Devlin et al., 2019): of the tokens of a shard's sequences a share is
// chosen anew each time they are seen (Liu et al., 2019), 80 % of those become the mask token, 10 %
// another token, 10 % stay; the encoder names what they were. Documents see only themselves.
class MaskedObjective : public Objective {
 public:
  explicit MaskedObjective(const Recipe& recipe);

  std::string loss_unit() const override { return "nats per masked token"; }
  WatchedMeasure watched() const override { return {"masked_loss", false}; }
  int64_t sequences() const override { return train_->sequences(); }
  bool has_heldout() const override { return heldout_ != nullptr; }
  void visit(ParamVisitor visitor) override;
  Allocator& memory() override { return *model_.base.memory; }
  TrainBatch make_batch(Allocator& memory, uint64_t position, int64_t count) const override;
  TrainLoss loss(Exec& exec, const TrainBatch& batch, double normalizer) const override;
  Evaluation evaluate(Exec& exec, int64_t most, int64_t count) const override;
  double flops_per_token() const override { return flops_per_token_; }
  std::string fingerprint() const override;
  void save(const std::filesystem::path& folder) override {
    save_masked_language_model(model_, folder, DType::kF32);
  }

 private:
  TrainBatch read_batch(const BatchSource& source, uint64_t seed, Allocator& memory,
                        uint64_t position, int64_t count) const;
  void mask_row(uint64_t seed, int64_t begin, const Tensor& ids, std::vector<int32_t>& rows,
                std::vector<int32_t>& targets) const;
  CrossEntropyResult masked_loss(Exec& exec, const TrainBatch& batch, double normalizer,
                                 bool checkpoint_activations) const;

  DataRecipe data_;
  RunRecipe run_;
  double share_;
  MaskedLanguageModel model_;
  int32_t mask_id_;
  std::unique_ptr<BatchSource> train_, heldout_;
  double flops_per_token_ = 0;
};

}  // namespace onmal

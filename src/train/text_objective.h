#pragma once

#include "train/batch_source.h"
#include "train/objective.h"

namespace onmal {

// The next token of a decoder: of shards, or of a conversation's answers.
class TextObjective : public Objective {
 public:
  explicit TextObjective(const Recipe& recipe);

  int64_t sequences() const override { return train_->sequences(); }
  bool has_heldout() const override { return heldout_ != nullptr; }
  void visit(ParamVisitor visitor) override;
  Allocator& memory() override { return *model_.memory; }
  TrainBatch make_batch(Allocator& memory, uint64_t position, int64_t count) const override;
  TrainLoss loss(Exec& exec, const TrainBatch& batch, double normalizer) const override;
  // Bits per byte; targets that stand for no bytes cost bits and count as none.
  Evaluation evaluate(Exec& exec, int64_t most, int64_t count) const override;
  double flops_per_token() const override;
  std::string fingerprint() const override;
  std::string product() const override { return adapter_ ? "adapter" : "model"; }
  void save(const std::filesystem::path& folder) override;
  LanguageModel* language_model() override { return &model_; }

 private:
  void open_data(const Recipe& recipe);
  TrainBatch read_batch(const BatchSource& source, Allocator& memory, uint64_t position,
                        int64_t count) const;
  Tensor hidden_states(Exec& exec, const TrainBatch& batch, bool checkpoint_activations) const;

  DataRecipe data_;
  RunRecipe run_;
  OptimizerKind optimizer_;
  std::optional<AdapterConfig> adapter_;
  LanguageModel model_;
  std::unique_ptr<BatchSource> train_, heldout_;
};

}  // namespace onmal

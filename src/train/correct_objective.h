#pragma once

#include <string_view>
#include <unordered_map>

#include "base/rng.h"
#include "train/objective.h"

namespace onmal {

// Correction of Korean by an encoder that labels each character with what is to be done with it
// (text/edit_labels.h). It reads well-written sentences, a line each (data.table), and makes the
// mistakes itself, anew each time a sentence is seen (corpus/hangul_noise.h); a share of the
// sentences stays as it is, so that what is right is left alone. Characters and labels of a fresh
// model are those that occur often enough in a sample of the data.
class CorrectObjective : public Objective {
 public:
  explicit CorrectObjective(const Recipe& recipe);

  std::string loss_unit() const override { return "nats per character"; }
  WatchedMeasure watched() const override { return {"fixed", true}; }
  int64_t usual_evaluation() const override { return 4096; }
  int64_t sequences() const override { return static_cast<int64_t>(train_.size()); }
  bool has_heldout() const override { return !heldout_.empty(); }
  void visit(ParamVisitor visitor) override { classifier_->visit(visitor); }
  Allocator& memory() override { return classifier_->memory(); }
  TrainBatch make_batch(Allocator& memory, uint64_t position, int64_t count) const override;
  TrainLoss loss(Exec& exec, const TrainBatch& batch, double normalizer) const override;
  // fixed: share of the wrong characters that get the right label, at the confidence by which at
  // most objective.most_harmed of the sentences without mistakes are changed; harmed and confidence
  // beside.
  Evaluation evaluate(Exec& exec, int64_t most, int64_t count) const override;
  double flops_per_token() const override { return flops_per_token_; }
  std::string fingerprint() const override;
  // A Hugging Face folder, and edit_tagger.json with the confidence that evaluate() finds.
  void save(const std::filesystem::path& folder) override;

 private:
  struct Item {
    std::vector<int32_t> ids;
    std::vector<int32_t> targets;
  };
  class Tally;
  std::string make_mistakes(const std::string& sentence, Rng& rng) const;
  Item encode(std::string_view written, std::string_view meant) const;
  TrainBatch pack(Allocator& memory, std::span<const Item> items) const;
  Tensor features(Exec& exec, const TrainBatch& batch, bool checkpoint_activations) const;

  int64_t length_;
  RunRecipe run_;
  ObjectiveRecipe how_;
  std::vector<std::string> train_, heldout_;
  std::unique_ptr<Classifier> classifier_;
  std::unordered_map<std::string, int32_t> labels_;
  int32_t unknown_ = 0;
  double flops_per_token_ = 0;
};

}  // namespace onmal

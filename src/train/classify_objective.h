#pragma once

#include "train/labelled_data.h"
#include "train/objective.h"

namespace onmal {

// Labels of texts, or of their words, by a head on a decoder or an encoder. A sequence is one text;
// a batch packs them into rows.
class ClassifyObjective : public Objective {
 public:
  explicit ClassifyObjective(const Recipe& recipe);

  std::string loss_unit() const override;
  WatchedMeasure watched() const override;
  int64_t usual_evaluation() const override { return int64_t{1} << 40; }
  int64_t sequences() const override { return static_cast<int64_t>(train_.size()); }
  bool has_heldout() const override { return !heldout_.empty(); }
  void visit(ParamVisitor visitor) override;
  Allocator& memory() override { return classifier_.memory(); }
  TrainBatch make_batch(Allocator& memory, uint64_t position, int64_t count) const override;
  TrainLoss loss(Exec& exec, const TrainBatch& batch, double normalizer) const override;
  // Accuracy and F1, or correlation and mean squared error; and the loss.
  Evaluation evaluate(Exec& exec, int64_t most, int64_t count) const override;
  double flops_per_token() const override { return flops_per_token_; }
  std::string fingerprint() const override;
  std::string product() const override { return adapter_ ? "adapter" : "model"; }
  void save(const std::filesystem::path& folder) override;
  // With [ngrams]: trains that part, joins it with the head, writes it into the folder.
  Evaluation finish(ThreadPool& pool, const std::filesystem::path& folder) override;

 private:
  // A text as it goes in, and what is to be said of it.
  struct Item {
    std::vector<int32_t> ids;
    int64_t second = 0;  // where the second text of a pair begins
    std::vector<int32_t> labels;
    std::vector<int32_t> places;  // kTokens: the first token of each labelled word
    std::vector<float> values;
  };
  class Tally;  // of an evaluation
  Item encode(const Example& example) const;
  void hide_tokens(Item& item, uint64_t number) const;
  void encode_words(const Example& example, Item& item) const;
  TrainBatch pack(Allocator& memory, std::span<const Item* const> items) const;
  void fill_targets(Allocator& memory, std::span<const Item* const> items, TrainBatch& batch) const;
  Tensor features(Exec& exec, const TrainBatch& batch, bool checkpoint_activations) const;
  bool is_choice() const;

  int64_t length_;
  bool pairs_;
  double token_dropout_;
  int32_t mask_id_ = -1;
  RunRecipe run_;
  std::optional<NgramRecipe> ngrams_;
  DataRecipe source_;
  std::optional<AdapterConfig> adapter_;  // trained with the head, instead of the model
  ClassifyTask task_;
  LabelledData data_;
  Classifier classifier_;
  std::vector<Item> train_, heldout_;
  double flops_per_token_ = 0;
};

}  // namespace onmal

#pragma once

#include "models/text_rows.h"
#include "tokenizer/chat_encoder.h"
#include "train/objective.h"

namespace onmal {

// Direct preference optimisation (Rafailov et al., 2023): -ln sigmoid(beta * margin), where the
// margin is how much further the model than its reference prefers the chosen answer to the rejected
// one. The reference is the model without its adapter, or what model.from holds, mapped. A sequence
// is one pair.
class PreferenceObjective : public Objective {
 public:
  explicit PreferenceObjective(const Recipe& recipe);

  std::string loss_unit() const override { return "nats per pair"; }
  WatchedMeasure watched() const override { return {"accuracy", true}; }
  int64_t usual_evaluation() const override { return 1000; }
  int64_t sequences() const override { return static_cast<int64_t>(train_.size()); }
  bool has_heldout() const override { return !heldout_.empty(); }
  void visit(ParamVisitor visitor) override;
  Allocator& memory() override { return *model_.memory; }
  TrainBatch make_batch(Allocator& memory, uint64_t position, int64_t count) const override;
  TrainLoss loss(Exec& exec, const TrainBatch& batch, double normalizer) const override;
  // How often the chosen answer has the larger reward; the loss; the mean margin of rewards.
  Evaluation evaluate(Exec& exec, int64_t most, int64_t count) const override;
  double flops_per_token() const override { return flops_per_token_; }
  std::string fingerprint() const override;
  std::string product() const override { return adapter_ ? "adapter" : "model"; }
  void save(const std::filesystem::path& folder) override;
  LanguageModel* language_model() override { return &model_; }

 private:
  struct Answer {
    std::vector<int32_t> ids;  // with the prompt in front
    size_t prompt = 0;         // tokens of it
  };
  struct Pair {
    Answer chosen, rejected;
  };
  void read(const std::filesystem::path& path, const DataRecipe& data, bool split);
  void read_template();
  Answer encode(const std::string& prompt, const std::string& answer,
                const std::string& where) const;
  TrainBatch pack(Allocator& memory, std::span<const Pair* const> pairs) const;
  Tensor hidden_states(Exec& exec, const Decoder& decoder, const TrainBatch& batch,
                       bool checkpoint_activations) const;
  // ln p of each answer of the batch; records nothing.
  std::vector<double> log_probabilities(Exec exec, const Decoder& decoder, const Tensor& hidden,
                                        const TrainBatch& batch) const;
  std::vector<double> reference(Exec exec, const TrainBatch& batch) const;
  std::vector<double> margins(Exec& exec, const Tensor& hidden, const TrainBatch& batch) const;

  ObjectiveRecipe objective_;
  RunRecipe run_;
  std::optional<AdapterConfig> adapter_;
  int64_t length_;
  LanguageModel model_;
  std::unique_ptr<LanguageModel> reference_;  // without an adapter
  std::unique_ptr<ChatTemplate> template_;    // the model's own, or ChatML; null: plain text
  std::unique_ptr<ChatEncoder> encoder_;
  int32_t end_id_ = -1;  // behind an answer
  std::vector<Pair> train_, heldout_;
  double flops_per_token_ = 0;
};

}  // namespace onmal

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "models/language_model.h"
#include "ops/backend.h"
#include "train/checkpoint.h"
#include "train/loss_curve.h"
#include "train/objective.h"
#include "train/optimizer.h"
#include "train/recipe.h"

namespace onmal {

// What is known after each step.
struct StepReport {
  int64_t step = 0;  // steps done
  int64_t steps = 0;
  double loss = 0;  // nats per counted token
  double learning_rate = 0;
  double gradient_norm = 0;
  double tokens_per_s = 0;
  double mfu = 0;  // share of the measured peak of matrix products
  double seconds_left = 0;
  size_t peak_bytes = 0;  // activations and gradients
  Evaluation evaluation;  // of held-out data, when this step evaluated
};

struct TrainCallbacks {
  std::function<void(const StepReport&)> on_step;
  std::function<void(LanguageModel&, int64_t step)> on_sample;  // when a sample is due
  std::function<void(const Evaluation&)> on_finish;  // what Objective::finish() measured, if it did
};

// One training run: the recipe's objective decides what is learned.
class Trainer {
 public:
  // Builds or loads the model, opens the data. Throws Error before anything is written.
  explicit Trainer(Recipe recipe);

  // Continues from the newest checkpoint in the output folder; false when there is none.
  bool resume();
  // Trains to the last step, or until `stop`: then the step is finished and a checkpoint written.
  // In the end the model is saved to output/model (Hugging Face layout); with run.keep_best
  // whenever it is better on held-out data than before, and then not in the end. output/log.jsonl
  // and output/loss.svg are kept up to date. A loss or gradient that is not finite throws
  // Error(kNumeric) naming step and batch; checkpoints stay.
  void run(const TrainCallbacks& callbacks, std::stop_token stop);

  int64_t steps_done() const { return state_.step; }
  // The objective's first measure over at most run.evaluate_sequences held-out sequences (0: as
  // many as the objective likes); NaN without held-out data.
  double evaluate();
  Objective& objective() { return *objective_; }
  LanguageModel& model();  // of objectives that train one

  double train_step(double learning_rate);  // one step at the current position; returns the loss
  double last_gradient_norm() const { return gradient_norm_; }

 private:
  Exec make_exec(Tape* tape);
  double micro_step(const TrainBatch& batch, double normalizer);
  Evaluation evaluate_all();
  void keep_if_best(const Evaluation& evaluation);
  double measure_peak();
  void save(bool final_model);
  void finish(const TrainCallbacks& callbacks);
  void read_log();
  void log_step(const StepReport& report);

  Recipe recipe_;
  ThreadPool pool_;
  Backend backend_;
  CachingAllocator memory_;
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<Optimizer> optimizer_;
  GradStore gradients_;
  RunState state_;
  LossCurve curve_;
  std::string log_;
  double gradient_norm_ = 0;
  int64_t step_tokens_ = 0;     // that the last step saw
  std::optional<double> best_;  // the measure that output/model has, with run.keep_best
};

}  // namespace onmal

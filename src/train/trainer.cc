#include "train/trainer.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "autograd/tape.h"
#include "base/error.h"
#include "base/file.h"
#include "base/timer.h"
#include "ops/cpu/gemm.h"
#include "train/schedule.h"

namespace onmal {

Trainer::Trainer(Recipe recipe)
    : recipe_(std::move(recipe)),
      pool_(static_cast<int>(recipe_.run.threads)),
      backend_(make_cpu_backend()),
      memory_(static_cast<size_t>(recipe_.run.memory_limit_bytes)),
      objective_(make_objective(recipe_)) {
  RunRecipe& run = recipe_.run;
  if (run.epochs > 0) {
    const auto each = static_cast<double>(run.batch * run.accumulation);
    const double steps = run.epochs * static_cast<double>(objective_->sequences()) / each;
    run.steps = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(steps)));
  }
  uint32_t next = 1;
  objective_->visit([&](Param& param) { param.value.set_tag(next++); });
  optimizer_ = std::make_unique<Optimizer>(
      recipe_.optimizer, [this](ParamVisitor visitor) { objective_->visit(visitor); },
      objective_->memory());
  state_.fingerprint = objective_->fingerprint();
  curve_.title = recipe_.run.output.filename().string();
  curve_.loss_unit = objective_->loss_unit();
  curve_.measure = objective_->watched().name;
}

LanguageModel& Trainer::model() {
  ONMAL_ASSERT(objective_->language_model() != nullptr);
  return *objective_->language_model();
}

bool Trainer::resume() {
  const auto checkpoint = newest_checkpoint(recipe_.run.output);
  if (!checkpoint) return false;
  state_ = load_checkpoint(
      *checkpoint, state_.fingerprint, [this](ParamVisitor visitor) { objective_->visit(visitor); },
      *optimizer_);
  read_log();
  return true;
}

Exec Trainer::make_exec(Tape* tape) {
  return {&pool_, &memory_, &backend_, tape, nullptr, recipe_.run.matmul};
}

double Trainer::micro_step(const TrainBatch& batch, double normalizer) {
  Tape tape;
  Exec exec = make_exec(&tape);
  const TrainLoss loss = objective_->loss(exec, batch, normalizer);
  if (!std::isfinite(loss.value)) return loss.value;
  tape.backward(exec, loss.output, loss.seed, gradients_);
  return loss.value;
}

double Trainer::train_step(double learning_rate) {
  const auto rows = static_cast<uint64_t>(recipe_.run.batch);
  std::vector<TrainBatch> batches;
  int64_t counted = 0;
  step_tokens_ = 0;
  for (int64_t i = 0; i < recipe_.run.accumulation; ++i) {
    batches.push_back(objective_->make_batch(
        memory_, state_.position + static_cast<uint64_t>(i) * rows, recipe_.run.batch));
    counted += batches.back().counted;
    step_tokens_ += batches.back().tokens;
  }
  double loss = 0;
  for (const TrainBatch& batch : batches)
    loss += micro_step(batch, std::max(1.0, static_cast<double>(counted)));
  Exec exec = make_exec(nullptr);
  gradient_norm_ = std::isfinite(loss) ? optimizer_->gradient_norm(exec, gradients_) : loss;
  if (!std::isfinite(loss) || !std::isfinite(gradient_norm_)) {
    gradients_.clear();
    throw Error(
        ErrorCode::kNumeric, "training",
        std::string(std::isfinite(loss) ? "the gradient" : "the loss") + " is not finite at step " +
            std::to_string(state_.step + 1) + " (sequences " + std::to_string(state_.position) +
            " to " +
            std::to_string(state_.position +
                           rows * static_cast<uint64_t>(recipe_.run.accumulation) - 1) +
            ")",
        "lower the learning rate or lengthen the warm-up, and resume from the last checkpoint");
  }
  const double clip = recipe_.optimizer.clip_norm;
  const double factor = clip > 0 && gradient_norm_ > clip ? clip / gradient_norm_ : 1.0;
  optimizer_->step(exec, gradients_, learning_rate, factor);
  gradients_.clear();
  state_.position += rows * static_cast<uint64_t>(recipe_.run.accumulation);
  ++state_.step;
  return loss;
}

Evaluation Trainer::evaluate_all() {
  if (!objective_->has_heldout()) return {};
  Exec exec = make_exec(nullptr);
  const int64_t asked = recipe_.run.evaluate_sequences;
  return objective_->evaluate(exec, asked > 0 ? asked : objective_->usual_evaluation(),
                              recipe_.run.batch);
}

double Trainer::evaluate() {
  const Evaluation evaluation = evaluate_all();
  return evaluation.empty() ? std::nan("") : evaluation.front().second;
}

double Trainer::measure_peak() {
  constexpr int64_t kSide = 512;
  const Tensor a = Tensor::zeros(memory_, Shape{kSide, kSide});
  const Tensor b = Tensor::zeros(memory_, Shape{kSide, kSide});
  const Tensor c = Tensor::empty(memory_, Shape{kSide, kSide});
  Exec exec = make_exec(nullptr);
  double best = 1e30;
  for (int round = 0; round < 4; ++round) {
    const Timer timer;
    cpu::gemm(exec, kSide, kSide, kSide, {a.data(), DType::kF32, kSide, true},
              {b.data(), DType::kF32, kSide, true}, nullptr, c.f32(), kSide, false);
    best = std::min(best, timer.seconds());
  }
  return 2.0 * static_cast<double>(kSide * kSide * kSide) / best;
}

void Trainer::save(bool final_model) {
  save_checkpoint(
      recipe_.run.output, state_, [this](ParamVisitor visitor) { objective_->visit(visitor); },
      *optimizer_, recipe_.run.keep);
  if (final_model && !best_) objective_->save(recipe_.run.output / objective_->product());
  write_file(recipe_.run.output / "loss.svg", draw_loss_curve(curve_));
  write_file(recipe_.run.output / "log.jsonl", log_);
}

// The model folder is the old one or the whole new one.
void Trainer::keep_if_best(const Evaluation& evaluation) {
  namespace fs = std::filesystem;
  const double value = evaluation.front().second;
  const bool better =
      !best_ || (objective_->watched().more_is_better ? value > *best_ : value < *best_);
  if (!better) return;
  best_ = value;
  const fs::path target = recipe_.run.output / objective_->product();
  const fs::path part = recipe_.run.output / ("part-model-" + std::to_string(::getpid()));
  fs::remove_all(part);
  objective_->save(part);
  fs::remove_all(target);
  fs::rename(part, target);
}

void Trainer::log_step(const StepReport& report) {
  char line[256];
  std::snprintf(line, sizeof line,
                "{\"step\": %lld, \"loss\": %.9g, \"lr\": %.6g, \"grad_norm\": %.6g, "
                "\"tokens_per_s\": %.1f, \"mfu\": %.4f",
                static_cast<long long>(report.step), report.loss, report.learning_rate,
                report.gradient_norm, report.tokens_per_s, report.mfu);
  log_ += line;
  curve_.loss.push_back({report.step, report.loss});
  for (const auto& [name, value] : report.evaluation) {
    std::snprintf(line, sizeof line, ", \"%s\": %.6g", name.c_str(), value);
    log_ += line;
  }
  if (!report.evaluation.empty())
    curve_.heldout.push_back({report.step, report.evaluation.front().second});
  log_ += "}\n";
}

// Takes over the log of the steps that the checkpoint holds; later ones are trained again.
void Trainer::read_log() {
  const std::filesystem::path path = recipe_.run.output / "log.jsonl";
  if (!std::filesystem::exists(path)) return;
  std::string key("\"");
  key.append(objective_->watched().name).append("\": ");
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    long long step = 0;
    double loss = 0;
    if (std::sscanf(line.c_str(), "{\"step\": %lld, \"loss\": %lf", &step, &loss) != 2 ||
        step > state_.step)
      continue;
    log_ += line + "\n";
    curve_.loss.push_back({step, loss});
    const size_t found = line.find(key);
    if (found == std::string::npos) continue;
    const double value = std::strtod(line.c_str() + found + key.size(), nullptr);
    curve_.heldout.push_back({step, value});
    if (!recipe_.run.keep_best) continue;
    const bool more = objective_->watched().more_is_better;
    if (!best_ || (more ? value > *best_ : value < *best_)) best_ = value;
  }
}

void Trainer::run(const TrainCallbacks& callbacks, std::stop_token stop) {
  std::filesystem::create_directories(recipe_.run.output);
  const RunRecipe& run = recipe_.run;
  const double peak = measure_peak();
  const auto due = [&](int64_t every) {
    return every > 0 && (state_.step % every == 0 || state_.step == run.steps);
  };
  double average_seconds = 0;
  while (state_.step < run.steps && !stop.stop_requested()) {
    StepReport report;
    const Timer timer;
    report.learning_rate =
        recipe_.optimizer.learning_rate * schedule_factor(recipe_.schedule, state_.step, run.steps);
    report.loss = train_step(report.learning_rate);
    const double seconds = timer.seconds();
    average_seconds = average_seconds == 0 ? seconds : 0.95 * average_seconds + 0.05 * seconds;
    report.step = state_.step;
    report.steps = run.steps;
    report.gradient_norm = gradient_norm_;
    report.tokens_per_s = static_cast<double>(step_tokens_) / seconds;
    report.mfu = objective_->flops_per_token() * report.tokens_per_s / peak;
    report.seconds_left = average_seconds * static_cast<double>(run.steps - state_.step);
    report.peak_bytes = memory_.peak_bytes();
    if (due(run.evaluate_every)) report.evaluation = evaluate_all();
    if (run.keep_best && !report.evaluation.empty()) keep_if_best(report.evaluation);
    log_step(report);
    if (callbacks.on_step) callbacks.on_step(report);
    if (callbacks.on_sample && objective_->language_model() != nullptr && due(run.sample_every))
      callbacks.on_sample(model(), state_.step);
    if (run.checkpoint_every > 0 && state_.step % run.checkpoint_every == 0 &&
        state_.step < run.steps)
      save(false);
  }
  const bool done = state_.step >= run.steps;
  save(done);
  if (done && !stop.stop_requested()) finish(callbacks);
}

void Trainer::finish(const TrainCallbacks& callbacks) {
  const Evaluation evaluation =
      objective_->finish(pool_, recipe_.run.output / objective_->product());
  if (evaluation.empty()) return;
  std::string line = "{\"finished\": " + std::to_string(state_.step);
  for (const auto& [name, value] : evaluation) {
    char number[64];
    std::snprintf(number, sizeof number, "\": %.6g", value);
    line += ", \"" + name + number;
  }
  write_file(recipe_.run.output / "log.jsonl", log_ + line + "}\n");
  if (callbacks.on_finish) callbacks.on_finish(evaluation);
}

}  // namespace onmal

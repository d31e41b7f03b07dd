#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <sstream>

#include "autograd/tape.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory_size.h"
#include "base/timer.h"
#include "ops/cpu/gemm.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer_json.h"
#include "train/schedule.h"

namespace onmal {
namespace {

// Weights, their gradients and AdamW's two moments, all f32; activations come on top.
void require_training_memory(const DecoderConfig& config, const std::string& where) {
  const int64_t parameters = config.parameter_count();
  require_memory(4 * parameters * int64_t{sizeof(float)}, where,
                 "training " + std::to_string(parameters) + " parameters",
                 "train a smaller model, or use a machine with more memory");
}

LanguageModel make_model(const Recipe& recipe) {
  if (!recipe.from.empty()) {
    require_training_memory(load_language_model(recipe.from).decoder->config(),
                            recipe.from.string());
    LoadOptions options;
    options.matrices = DType::kF32;
    LanguageModel model = load_language_model(recipe.from, options);
    if (model.tokenizer == nullptr)
      throw Error(ErrorCode::kBadFile, recipe.from.string(), "carries no tokenizer");
    // Weights mapped from a file are read-only; training needs its own.
    model.decoder->visit([&](Param& param) {
      const Tensor own = Tensor::empty(*model.memory, param.shape);
      std::copy_n(param.value.f32(), own.elements(), own.f32());
      param.value = own;
    });
    return model;
  }
  LanguageModel model;
  model.tokenizer = load_tokenizer_json(recipe.data.tokenizer);
  DecoderConfig config = recipe.model;
  require_training_memory(config, recipe.run.output.string());
  if (config.vocab_size != model.tokenizer->vocab_size()) {
    throw Error(ErrorCode::kInvalidArgument, recipe.data.tokenizer.string(),
                "has " + std::to_string(model.tokenizer->vocab_size()) +
                    " tokens, the recipe's vocab_size is " + std::to_string(config.vocab_size));
  }
  model.decoder = std::make_unique<Decoder>(config);
  Rng rng(recipe.run.seed);
  model.decoder->initialize(*model.memory, rng);
  model.decoder->prepare(*model.memory);
  if (model.tokenizer->end_id() >= 0) model.end_ids.push_back(model.tokenizer->end_id());
  return model;
}

}  // namespace

Trainer::Trainer(Recipe recipe)
    : recipe_(std::move(recipe)),
      pool_(static_cast<int>(recipe_.run.threads)),
      backend_(make_cpu_backend()),
      memory_(static_cast<size_t>(recipe_.run.memory_limit_bytes)),
      model_(make_model(recipe_)) {
  if (recipe_.data.length > model_.decoder->config().max_positions) {
    throw Error(ErrorCode::kInvalidArgument, "data.length",
                std::to_string(recipe_.data.length) + " exceeds the model's context of " +
                    std::to_string(model_.decoder->config().max_positions));
  }
  open_data();
  model_.decoder->set_trained(true);
  optimizer_ = std::make_unique<Optimizer>(recipe_.optimizer, *model_.decoder, *model_.memory);
  state_.fingerprint = fingerprint();
  curve_.title = recipe_.run.output.filename().string();
}

void Trainer::open_data() {
  const DataRecipe& data = recipe_.data;
  const Tokenizer& tokenizer = *model_.tokenizer;
  if (data.conversations.empty()) {
    train_ =
        std::make_unique<ShardSource>(data.train, tokenizer, data.length, recipe_.run.seed, true);
    if (!data.heldout.empty()) {
      heldout_ = std::make_unique<ShardSource>(data.heldout, tokenizer, data.length, 0, false);
    }
    return;
  }
  ConversationSplit split =
      read_all_conversations(load_corpus(data.conversations, data.folder), data.heldout_permille);
  split.train = join_turns(std::move(split.train), data.turns, recipe_.run.seed);
  train_ =
      std::make_unique<ConversationSource>(split.train, tokenizer, data.length, recipe_.run.seed);
  if (!split.heldout.empty()) {
    heldout_ = std::make_unique<ConversationSource>(split.heldout, tokenizer, data.length, 0);
  }
  model_.chat_template = std::string(chatml_template());
  const int32_t turn_end = tokenizer.find("<|im_end|>");
  if (turn_end < 0)
    throw Error(ErrorCode::kInvalidArgument, "tokenizer",
                "has no <|im_end|> token for conversations");
  model_.end_ids = {turn_end};
  if (tokenizer.end_id() >= 0) model_.end_ids.push_back(tokenizer.end_id());
}

std::string Trainer::fingerprint() const {
  const DecoderConfig& m = model_.decoder->config();
  std::ostringstream text;
  text << m.architecture << ' ' << m.vocab_size << ' ' << m.dim << ' ' << m.layers << ' ' << m.heads
       << ' ' << m.kv_heads << ' ' << m.head_dim << ' ' << m.ffn_dim << ' '
       << tokenizer_fingerprint(*model_.tokenizer) << ' ' << train_->sequences() << ' '
       << recipe_.data.length << ' ' << recipe_.run.batch << ' ' << recipe_.run.accumulation << ' '
       << recipe_.run.seed << ' ' << static_cast<int>(recipe_.optimizer.kind);
  return text.str();
}

bool Trainer::resume() {
  const auto checkpoint = newest_checkpoint(recipe_.run.output);
  if (!checkpoint) return false;
  state_ = load_checkpoint(*checkpoint, state_.fingerprint, *model_.decoder, *optimizer_);
  read_log();
  return true;
}

Trainer::Batch Trainer::make_batch(const BatchSource& source, uint64_t position, int64_t rows) {
  const int64_t length = recipe_.data.length;
  const Shape shape{rows, length};
  Batch batch{Tensor::empty(memory_, shape, DType::kI32),
              Tensor::empty(memory_, shape, DType::kI32),
              Tensor::empty(memory_, shape, DType::kI32)};
  for (int64_t row = 0; row < rows; ++row) {
    const auto span = [&](const Tensor& tensor) {
      return std::span<int32_t>(tensor.i32() + row * length, static_cast<size_t>(length));
    };
    source.fill(position + static_cast<uint64_t>(row), span(batch.ids), span(batch.targets),
                span(batch.first_keys));
  }
  if (!recipe_.data.mask_documents) batch.first_keys = Tensor();
  return batch;
}

double Trainer::micro_step(const Batch& batch, double normalizer) {
  Tape tape;
  Exec exec{&pool_, &memory_, &backend_, &tape, nullptr, recipe_.run.matmul};
  DecoderInput input;
  input.ids = batch.ids;
  input.first_keys = batch.first_keys;
  input.checkpoint_activations = recipe_.run.checkpoint_activations;
  const Decoder& decoder = *model_.decoder;
  Tensor loss = decoder.loss(exec, decoder.forward(exec, input), batch.targets, normalizer).loss;
  const auto value = static_cast<double>(loss.f32()[0]);
  if (!std::isfinite(value)) return value;
  Tensor seed = Tensor::empty(memory_, Shape{1});
  seed.f32()[0] = 1.0F;
  tape.backward(exec, loss, seed, gradients_);
  return value;
}

double Trainer::train_step(double learning_rate) {
  const auto rows = static_cast<uint64_t>(recipe_.run.batch);
  std::vector<Batch> batches;
  int64_t counted = 0;
  for (int64_t i = 0; i < recipe_.run.accumulation; ++i) {
    batches.push_back(
        make_batch(*train_, state_.position + static_cast<uint64_t>(i) * rows, recipe_.run.batch));
    const Tensor& targets = batches.back().targets;
    counted += targets.elements() -
               std::count(targets.i32(), targets.i32() + targets.elements(), kIgnoredTarget);
  }
  double loss = 0;
  for (const Batch& batch : batches)
    loss += micro_step(batch, std::max(1.0, static_cast<double>(counted)));
  Exec exec{&pool_, &memory_, &backend_, nullptr, nullptr, recipe_.run.matmul};
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

double Trainer::evaluate() {
  if (heldout_ == nullptr) return std::nan("");
  const int64_t sequences = std::min(heldout_->sequences(), recipe_.run.evaluate_sequences);
  double nats = 0;
  int64_t bytes = 0;
  const Tokenizer& tokenizer = *model_.tokenizer;
  for (int64_t begin = 0; begin < sequences; begin += recipe_.run.batch) {
    const int64_t rows = std::min(recipe_.run.batch, sequences - begin);
    const Batch batch = make_batch(*heldout_, static_cast<uint64_t>(begin), rows);
    Exec exec{&pool_, &memory_, &backend_, nullptr, nullptr, recipe_.run.matmul};
    DecoderInput input;
    input.ids = batch.ids;
    input.first_keys = batch.first_keys;
    const CrossEntropyResult result =
        model_.decoder->loss(exec, model_.decoder->forward(exec, input), batch.targets);
    for (int64_t i = 0; i < result.losses.elements(); ++i) {
      const int32_t target = batch.targets.i32()[i];
      if (target == kIgnoredTarget) continue;
      // Every prediction costs bits, the end of a document too; only text counts as bytes.
      nats += static_cast<double>(result.losses.f32()[i]);
      if (!tokenizer.is_special(target))
        bytes += static_cast<int64_t>(tokenizer.piece(target).size());
    }
  }
  return nats / std::numbers::ln2 / static_cast<double>(std::max<int64_t>(bytes, 1));
}

double Trainer::flops_per_token() const {
  const DecoderConfig& m = model_.decoder->config();
  // Forward and backward: 6 operations a weight that multiplies, 12 * width * half the length a
  // layer for attention.
  const double looked_up = m.tied_head ? 0.0 : static_cast<double>(m.vocab_size * m.dim);
  const double weights = static_cast<double>(m.parameter_count()) - looked_up;
  const auto width = static_cast<double>(m.heads * m.head_dim);
  return 6.0 * weights + 6.0 * static_cast<double>(m.layers * recipe_.data.length) * width;
}

double Trainer::measure_peak() {
  constexpr int64_t kSide = 512;
  const Tensor a = Tensor::zeros(memory_, Shape{kSide, kSide});
  const Tensor b = Tensor::zeros(memory_, Shape{kSide, kSide});
  const Tensor c = Tensor::empty(memory_, Shape{kSide, kSide});
  Exec exec{&pool_, &memory_, &backend_, nullptr, nullptr, recipe_.run.matmul};
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
  save_checkpoint(recipe_.run.output, state_, *model_.decoder, *optimizer_, recipe_.run.keep);
  if (final_model) save_hugging_face(model_, recipe_.run.output / "model", DType::kF32);
  write_file(recipe_.run.output / "loss.svg", draw_loss_curve(curve_));
  write_file(recipe_.run.output / "log.jsonl", log_);
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
  if (report.bits_per_byte) {
    std::snprintf(line, sizeof line, ", \"bits_per_byte\": %.6g", *report.bits_per_byte);
    log_ += line;
    curve_.bits_per_byte.push_back({report.step, *report.bits_per_byte});
  }
  log_ += "}\n";
}

// Takes over the log of the steps that the checkpoint holds; later ones are trained again.
void Trainer::read_log() {
  const std::filesystem::path path = recipe_.run.output / "log.jsonl";
  if (!std::filesystem::exists(path)) return;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    long long step = 0;
    double loss = 0;
    if (std::sscanf(line.c_str(), "{\"step\": %lld, \"loss\": %lf", &step, &loss) != 2 ||
        step > state_.step)
      continue;
    log_ += line + "\n";
    curve_.loss.push_back({step, loss});
    const size_t bits = line.find("\"bits_per_byte\": ");
    if (bits == std::string::npos) continue;
    curve_.bits_per_byte.push_back({step, std::strtod(line.c_str() + bits + 17, nullptr)});
  }
}

void Trainer::run(const TrainCallbacks& callbacks, std::stop_token stop) {
  std::filesystem::create_directories(recipe_.run.output);
  const RunRecipe& run = recipe_.run;
  const double peak = measure_peak();
  const auto tokens = static_cast<double>(run.batch * run.accumulation * recipe_.data.length);
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
    report.tokens_per_s = tokens / seconds;
    report.mfu = flops_per_token() * report.tokens_per_s / peak;
    report.seconds_left = average_seconds * static_cast<double>(run.steps - state_.step);
    report.peak_bytes = memory_.peak_bytes();
    if (heldout_ != nullptr && due(run.evaluate_every)) report.bits_per_byte = evaluate();
    log_step(report);
    if (callbacks.on_step) callbacks.on_step(report);
    if (callbacks.on_sample && due(run.sample_every)) callbacks.on_sample(model_, state_.step);
    if (run.checkpoint_every > 0 && state_.step % run.checkpoint_every == 0 &&
        state_.step < run.steps)
      save(false);
  }
  save(state_.step >= run.steps);
}

}  // namespace onmal

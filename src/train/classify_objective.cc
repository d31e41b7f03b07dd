#include "train/classify_objective.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/error.h"
#include "base/rng.h"
#include "corpus/packed_dataset.h"
#include "models/text_pair.h"
#include "numeric/logistic.h"
#include "ops/cross_entropy.h"
#include "train/batch_source.h"
#include "train/fresh_model.h"
#include "train/label_metrics.h"
#include "train/ngram_join.h"
#include "train/row_batch.h"

namespace onmal {
namespace {

constexpr float kThreshold = 0.0F;  // a logit: probability one half

// Losses of numbers: binary cross-entropy of each label, or squared errors; d(loss)/d(logits).
TrainLoss value_loss(Exec& exec, ClassifyTask task, const Tensor& logits, const Tensor& values,
                     double divisor) {
  TrainLoss loss;
  loss.output = logits;
  loss.seed = Tensor::empty(*exec.memory, logits.shape());
  for (int64_t i = 0; i < logits.elements(); ++i) {
    const auto x = static_cast<double>(logits.f32()[i]);
    const auto y = static_cast<double>(values.f32()[i]);
    const bool regression = task == ClassifyTask::kRegression;
    loss.value += (regression ? (x - y) * (x - y) : softplus(x) - y * x) / divisor;
    const double slope = regression ? 2.0 * (x - y) : sigmoid(x) - y;
    loss.seed.f32()[i] = static_cast<float>(slope / divisor);
  }
  return loss;
}

}  // namespace

ClassifyObjective::ClassifyObjective(const Recipe& recipe)
    : length_(recipe.data.length),
      pairs_(!recipe.data.pair_column.empty()),
      token_dropout_(recipe.objective.token_dropout),
      run_(recipe.run),
      ngrams_(recipe.ngrams),
      source_(recipe.data),
      adapter_(recipe.adapter),
      task_(recipe.objective.problem),
      data_(read_labelled_data(recipe.data, task_)),
      classifier_(start_classifier(recipe, data_.labels)) {
  if (length_ > classifier_.max_tokens()) {
    throw Error(ErrorCode::kInvalidArgument, "data.length",
                std::to_string(length_) + " exceeds the model's context of " +
                    std::to_string(classifier_.max_tokens()));
  }
  if (token_dropout_ > 0) mask_id_ = find_mask_id(classifier_.tokenizer());
  for (const Example& example : data_.train) train_.push_back(encode(example));
  for (const Example& example : data_.heldout) heldout_.push_back(encode(example));
  double weights = 0;
  classifier_.visit([&](const Param& param) {
    if (param.kind == ParamKind::kMatrix) weights += static_cast<double>(param.shape.elements());
  });
  // Without gradients of the base's weights a third is saved.
  flops_per_token_ = (adapter_ ? 4.0 : 6.0) * weights;
}

void ClassifyObjective::visit(ParamVisitor visitor) {
  if (!adapter_) return classifier_.visit(visitor);
  visit_adapter([this](LinearVisitor v) { classifier_.visit_linears(v); }, visitor);
  classifier_.visit_head(visitor);
}

void ClassifyObjective::save(const std::filesystem::path& folder) {
  if (adapter_) return classifier_.save_adapter(*adapter_, folder);
  classifier_.save(folder, DType::kF32);
}

Evaluation ClassifyObjective::finish(ThreadPool& pool, const std::filesystem::path& folder) {
  if (!ngrams_) return {};
  join_ngrams(pool, *ngrams_, source_, data_, folder);
  return measure_classifier(pool, Classifier(folder), data_.heldout);
}

bool ClassifyObjective::is_choice() const {
  return task_ == ClassifyTask::kSingleLabel || task_ == ClassifyTask::kTokens;
}

std::string ClassifyObjective::loss_unit() const {
  if (task_ == ClassifyTask::kRegression) return "mean squared error";
  return task_ == ClassifyTask::kTokens ? "nats per word" : "nats per label";
}

WatchedMeasure ClassifyObjective::watched() const {
  if (task_ == ClassifyTask::kRegression) return {"correlation", true};
  return {task_ == ClassifyTask::kMultiLabel ? "micro_f1" : "accuracy", true};
}

std::string ClassifyObjective::fingerprint() const {
  std::ostringstream text;
  text << "classification " << classify_task_name(task_) << ' ' << classifier_.vocab_size() << ' '
       << tokenizer_fingerprint(classifier_.tokenizer()) << ' ' << train_.size() << ' '
       << data_.labels.size() << ' ' << length_ << ' ' << run_.batch << ' ' << run_.accumulation
       << ' ' << run_.seed;
  if (pairs_) text << " pairs";
  if (token_dropout_ > 0) text << " dropout " << token_dropout_;
  if (adapter_) text << ' ' << describe_adapter(*adapter_);
  return text.str();
}

ClassifyObjective::Item ClassifyObjective::encode(const Example& example) const {
  Item item;
  item.labels = example.labels;
  item.values = example.values;
  if (task_ == ClassifyTask::kTokens) {
    encode_words(example, item);
    return item;
  }
  if (pairs_) {
    TextPair pair = encode_pair(classifier_.tokenizer(), example.text, example.second, length_);
    item.ids = std::move(pair.ids);
    item.second = pair.second;
  } else {
    item.ids = classifier_.encode(example.text, length_);
  }
  if (task_ == ClassifyTask::kMultiLabel) {
    item.values.assign(data_.labels.size(), 0.0F);
    for (const int32_t label : example.labels) item.values[static_cast<size_t>(label)] = 1.0F;
  }
  return item;
}

// Words are encoded one by one, behind a space where the vocabulary tells words that follow one
// from those that begin a text.
void ClassifyObjective::encode_words(const Example& example, Item& item) const {
  const Tokenizer& tokenizer = classifier_.tokenizer();
  std::vector<int32_t> joined = tokenizer.encode("a");
  const std::vector<int32_t> spaced = tokenizer.encode(" a");
  joined.insert(joined.end(), spaced.begin(), spaced.end());
  const bool with_space = joined == tokenizer.encode("a a");
  const std::vector<int32_t> bare = tokenizer.encode("a");
  const std::vector<int32_t> around = tokenizer.encode("a", {.add_special = true});
  const auto found = std::search(around.begin(), around.end(), bare.begin(), bare.end());
  item.ids.assign(around.begin(), found);
  const std::vector<int32_t> behind(
      found == around.end() ? found : found + static_cast<std::ptrdiff_t>(bare.size()),
      around.end());
  const auto room =
      static_cast<size_t>(length_) - std::min(behind.size(), static_cast<size_t>(length_));
  size_t word = 0;
  for (const std::string_view text : split_words(example.text)) {
    std::string spelled(word > 0 && with_space ? " " : "");
    spelled += text;
    const std::vector<int32_t> ids = tokenizer.encode(spelled);
    if (ids.empty() || item.ids.size() + ids.size() > room) break;
    item.places.push_back(static_cast<int32_t>(item.ids.size()));
    item.ids.insert(item.ids.end(), ids.begin(), ids.end());
    ++word;
  }
  item.labels.resize(word);
  item.ids.insert(item.ids.end(), behind.begin(), behind.end());
  if (item.ids.empty()) item.ids.push_back(std::max(0, tokenizer.end_id()));
}

TrainBatch ClassifyObjective::make_batch(Allocator& memory, uint64_t position,
                                         int64_t count) const {
  std::vector<Item> hidden;
  hidden.reserve(static_cast<size_t>(count));
  std::vector<const Item*> items;
  for (uint64_t i = position; i < position + static_cast<uint64_t>(count); ++i) {
    const Item& item = train_[shuffled_index(i, train_.size(), run_.seed)];
    items.push_back(&item);
    if (token_dropout_ <= 0) continue;
    hidden.push_back(item);
    hide_tokens(hidden.back(), i);
    items.back() = &hidden.back();
  }
  return pack(memory, items);
}

// Other tokens each time a text comes up, so that no few of them are learned by heart.
void ClassifyObjective::hide_tokens(Item& item, uint64_t number) const {
  Rng rng(Rng(run_.seed).next() ^ number);
  for (int32_t& id : item.ids)
    if (rng.uniform() < token_dropout_ && !classifier_.tokenizer().is_special(id)) id = mask_id_;
}

TrainBatch ClassifyObjective::pack(Allocator& memory, std::span<const Item* const> items) const {
  std::vector<std::vector<int32_t>> texts;
  for (const Item* item : items) texts.push_back(item->ids);
  std::vector<int64_t> seconds;
  if (pairs_) {
    for (const Item* item : items) seconds.push_back(item->second);
  }
  const TextRows rows = classifier_.pack(memory, texts, length_, seconds);
  TrainBatch batch = batch_of_rows(rows);
  fill_targets(memory, items, batch);
  return batch;
}

void ClassifyObjective::fill_targets(Allocator& memory, std::span<const Item* const> items,
                                     TrainBatch& batch) const {
  const auto count = static_cast<int64_t>(items.size());
  if (task_ == ClassifyTask::kTokens) {
    batch.targets = Tensor::empty(memory, Shape{batch.ids.elements()}, DType::kI32);
    std::fill_n(batch.targets.i32(), batch.targets.elements(), kIgnoredTarget);
    for (size_t i = 0; i < items.size(); ++i) {
      for (size_t word = 0; word < items[i]->labels.size(); ++word)
        batch.targets.i32()[batch.spans[i].begin + items[i]->places[word]] = items[i]->labels[word];
      batch.counted += static_cast<int64_t>(items[i]->labels.size());
    }
    return;
  }
  batch.counted = count;
  if (task_ == ClassifyTask::kSingleLabel) {
    batch.targets = Tensor::empty(memory, Shape{count}, DType::kI32);
    for (int64_t i = 0; i < count; ++i)
      batch.targets.i32()[i] = items[static_cast<size_t>(i)]->labels[0];
    return;
  }
  const auto width = static_cast<int64_t>(data_.labels.size());
  batch.values = Tensor::empty(memory, Shape{count, width});
  for (int64_t i = 0; i < count; ++i)
    std::copy_n(items[static_cast<size_t>(i)]->values.data(), width,
                batch.values.f32() + i * width);
}

Tensor ClassifyObjective::features(Exec& exec, const TrainBatch& batch,
                                   bool checkpoint_activations) const {
  return classifier_.features(exec, rows_of_batch(batch), checkpoint_activations);
}

TrainLoss ClassifyObjective::loss(Exec& exec, const TrainBatch& batch, double normalizer) const {
  const Tensor seen = features(exec, batch, run_.checkpoint_activations);
  if (is_choice()) {
    CrossEntropyParams params;
    params.ignored = kIgnoredTarget;
    params.bias = classifier_.head().bias.value;
    const Tensor& weight = classifier_.head().weight.value;
    return scalar_loss(
        exec, linear_cross_entropy(exec, seen, weight, batch.targets, params, normalizer).loss);
  }
  const Tensor logits = classifier_.logits(exec, seen);
  return value_loss(exec, task_, logits, batch.values,
                    normalizer * static_cast<double>(data_.labels.size()));
}

// What is counted over the batches of an evaluation.
class ClassifyObjective::Tally {
 public:
  Tally(ClassifyTask task, size_t labels) : task_(task), labels_(labels), counts_(labels) {}

  void add(const TrainBatch& batch, const Tensor& logits) {
    const auto width = static_cast<int64_t>(labels_);
    for (int64_t row = 0; row < logits.dim(0); ++row) {
      const float* scores = logits.f32() + row * width;
      if (batch.targets.defined()) {
        if (batch.targets.i32()[row] != kIgnoredTarget)
          add_choice(scores, batch.targets.i32()[row]);
      } else {
        add_values(scores, batch.values.f32() + row * width);
      }
    }
  }

  Evaluation result() const {
    const auto n = static_cast<double>(std::max<int64_t>(rows_, 1));
    if (task_ == ClassifyTask::kRegression) {
      return {{"correlation", pearson(said_, true_)}, {"mean_squared_error", loss_ / n}};
    }
    Evaluation result;
    const double accuracy = static_cast<double>(right_) / n;
    if (task_ == ClassifyTask::kMultiLabel) {
      result = {{"micro_f1", counts_.micro_f1()},
                {"macro_f1", counts_.macro_f1()},
                {"accuracy", accuracy}};
    } else {
      result = {{"accuracy", accuracy},
                {"macro_f1", counts_.macro_f1()},
                {"micro_f1", counts_.micro_f1()}};
    }
    result.emplace_back("heldout_loss", loss_ / n);
    return result;
  }

 private:
  void add_choice(const float* scores, int32_t target) {
    const auto best = std::max_element(scores, scores + labels_);
    const auto said = static_cast<size_t>(best - scores);
    const auto wanted = static_cast<size_t>(target);
    double sum = 0;
    for (size_t i = 0; i < labels_; ++i) sum += std::exp(static_cast<double>(scores[i] - *best));
    loss_ += std::log(sum) - static_cast<double>(scores[wanted] - *best);
    right_ += said == wanted;
    ++rows_;
    counts_.add(said, true, said == wanted);
    if (said != wanted) counts_.add(wanted, false, true);
  }

  void add_values(const float* scores, const float* values) {
    bool all = true;
    ++rows_;
    for (size_t i = 0; i < labels_; ++i) {
      const auto x = static_cast<double>(scores[i]);
      const auto y = static_cast<double>(values[i]);
      if (task_ == ClassifyTask::kRegression) {
        loss_ += (x - y) * (x - y);
        said_.push_back(x);
        true_.push_back(y);
        continue;
      }
      loss_ += (softplus(x) - y * x) / static_cast<double>(labels_);
      const bool said = scores[i] > kThreshold;
      counts_.add(i, said, values[i] > 0.5F);
      all = all && said == (values[i] > 0.5F);
    }
    right_ += all;
  }

  ClassifyTask task_;
  size_t labels_;
  LabelCounts counts_;
  double loss_ = 0;
  int64_t right_ = 0, rows_ = 0;
  std::vector<double> said_, true_;
};

Evaluation ClassifyObjective::evaluate(Exec& exec, int64_t most, int64_t count) const {
  const int64_t size = std::min(static_cast<int64_t>(heldout_.size()), most);
  Tally tally(task_, data_.labels.size());
  for (int64_t begin = 0; begin < size; begin += count) {
    std::vector<const Item*> items;
    for (int64_t i = begin; i < std::min(begin + count, size); ++i)
      items.push_back(&heldout_[static_cast<size_t>(i)]);
    const TrainBatch batch = pack(*exec.memory, items);
    tally.add(batch, classifier_.logits(exec, features(exec, batch, false)));
  }
  return tally.result();
}

}  // namespace onmal

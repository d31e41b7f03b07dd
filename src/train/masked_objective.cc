#include "train/masked_objective.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "ops/embedding.h"
#include "train/fresh_model.h"

namespace onmal {
namespace {

constexpr double kMasked = 0.8;    // of the chosen tokens; behind it up to
constexpr double kReplaced = 0.9;  // become another one

// Where each token's document ends in the row, and its place in the document, from where it begins.
void follow_documents(const Tensor& first_keys, int64_t length, const Tensor& positions,
                      const Tensor& key_ends) {
  const int32_t* first = first_keys.i32();
  for (int64_t row = 0; row < first_keys.dim(0); ++row) {
    auto end = static_cast<int32_t>(length);
    for (int64_t t = length - 1; t >= 0; --t) {
      const int64_t i = row * length + t;
      positions.i32()[i] = static_cast<int32_t>(t) - first[i];
      key_ends.i32()[i] = end;
      if (first[i] == t) end = static_cast<int32_t>(t);
    }
  }
}

Tensor copy_ids(Allocator& memory, const std::vector<int32_t>& values) {
  const Tensor tensor =
      Tensor::empty(memory, Shape{static_cast<int64_t>(values.size())}, DType::kI32);
  std::copy(values.begin(), values.end(), tensor.i32());
  return tensor;
}

}  // namespace

MaskedObjective::MaskedObjective(const Recipe& recipe)
    : data_(recipe.data),
      run_(recipe.run),
      share_(recipe.objective.masked_share),
      model_(start_masked_model(recipe)),
      mask_id_(find_mask_id(*model_.base.tokenizer.tokenizer)) {
  const EncoderConfig& config = model_.base.encoder->config();
  if (data_.length > config.max_positions) {
    throw Error(ErrorCode::kInvalidArgument, "data.length",
                std::to_string(data_.length) + " exceeds the model's context of " +
                    std::to_string(config.max_positions));
  }
  const Tokenizer& tokenizer = *model_.base.tokenizer.tokenizer;
  train_ = std::make_unique<ShardSource>(data_.train, tokenizer, data_.length, run_.seed, true);
  if (!data_.heldout.empty())
    heldout_ = std::make_unique<ShardSource>(data_.heldout, tokenizer, data_.length, 0, false);
  double weights = share_ * static_cast<double>(config.vocab_size * config.dim);
  visit([&](const Param& param) {
    if (param.kind == ParamKind::kMatrix) weights += static_cast<double>(param.shape.elements());
  });
  flops_per_token_ = 6.0 * weights;
}

void MaskedObjective::visit(ParamVisitor visitor) {
  model_.base.encoder->visit(visitor);
  model_.head->visit(visitor);
}

std::string MaskedObjective::fingerprint() const {
  const EncoderConfig& m = model_.base.encoder->config();
  std::ostringstream text;
  text << "masked " << m.vocab_size << ' ' << m.dim << ' ' << m.layers << ' ' << m.heads << ' '
       << m.ffn_dim << ' ' << tokenizer_fingerprint(*model_.base.tokenizer.tokenizer) << ' '
       << train_->sequences() << ' ' << data_.length << ' ' << share_ << ' ' << run_.batch << ' '
       << run_.accumulation << ' ' << run_.seed;
  return text.str();
}

void MaskedObjective::mask_row(uint64_t seed, int64_t begin, const Tensor& ids,
                               std::vector<int32_t>& rows, std::vector<int32_t>& targets) const {
  const Tokenizer& tokenizer = *model_.base.tokenizer.tokenizer;
  const auto vocabulary = static_cast<uint64_t>(model_.base.encoder->config().vocab_size);
  Rng rng(seed);
  for (int64_t t = begin; t < begin + data_.length; ++t) {
    int32_t& id = ids.i32()[t];
    const bool chosen = rng.uniform() < share_;
    const double fate = rng.uniform();
    const auto other = static_cast<int32_t>(rng.below(vocabulary));
    if (!chosen || tokenizer.is_special(id)) continue;
    rows.push_back(static_cast<int32_t>(t));
    targets.push_back(id);
    if (fate < kMasked) {
      id = mask_id_;
    } else if (fate < kReplaced) {
      id = other;
    }
  }
}

TrainBatch MaskedObjective::make_batch(Allocator& memory, uint64_t position, int64_t count) const {
  return read_batch(*train_, run_.seed, memory, position, count);
}

TrainBatch MaskedObjective::read_batch(const BatchSource& source, uint64_t seed, Allocator& memory,
                                       uint64_t position, int64_t count) const {
  const Shape shape{count, data_.length};
  TrainBatch batch;
  for (Tensor* tensor : {&batch.ids, &batch.positions, &batch.first_keys, &batch.key_ends})
    *tensor = Tensor::empty(memory, shape, DType::kI32);
  std::vector<int32_t> next(static_cast<size_t>(data_.length));  // of no use here
  std::vector<int32_t> rows, targets;
  for (int64_t row = 0; row < count; ++row) {
    const int64_t begin = row * data_.length;
    const auto length = static_cast<size_t>(data_.length);
    const uint64_t number = position + static_cast<uint64_t>(row);
    source.fill(number, {batch.ids.i32() + begin, length}, next,
                {batch.first_keys.i32() + begin, length});
    mask_row(Rng(seed).next() ^ number, begin, batch.ids, rows, targets);
  }
  if (rows.empty()) {
    rows.push_back(0);
    targets.push_back(kIgnoredTarget);
  }
  follow_documents(batch.first_keys, data_.length, batch.positions, batch.key_ends);
  if (!data_.mask_documents) batch.positions = batch.first_keys = batch.key_ends = Tensor();
  batch.rows = copy_ids(memory, rows);
  batch.targets = copy_ids(memory, targets);
  batch.counted =
      static_cast<int64_t>(targets.size() - static_cast<size_t>(std::count(
                                                targets.begin(), targets.end(), kIgnoredTarget)));
  batch.tokens = shape.elements();
  return batch;
}

CrossEntropyResult MaskedObjective::masked_loss(Exec& exec, const TrainBatch& batch,
                                                double normalizer,
                                                bool checkpoint_activations) const {
  const Encoder& encoder = *model_.base.encoder;
  const Tensor hidden = encoder.forward(
      exec, {batch.ids, batch.positions, batch.first_keys, batch.key_ends, checkpoint_activations});
  const Tensor picked =
      embedding(exec, hidden.reshaped(Shape{hidden.shape().rows(), hidden.dim(-1)}), batch.rows);
  return model_.head->loss(exec, picked, encoder.table().value, batch.targets, normalizer);
}

TrainLoss MaskedObjective::loss(Exec& exec, const TrainBatch& batch, double normalizer) const {
  return scalar_loss(exec, masked_loss(exec, batch, normalizer, run_.checkpoint_activations).loss);
}

Evaluation MaskedObjective::evaluate(Exec& exec, int64_t most, int64_t count) const {
  const int64_t sequences = std::min(heldout_->sequences(), most);
  double nats = 0;
  int64_t counted = 0;
  for (int64_t begin = 0; begin < sequences; begin += count) {
    const TrainBatch batch = read_batch(*heldout_, 0, *exec.memory, static_cast<uint64_t>(begin),
                                        std::min(count, sequences - begin));
    nats += static_cast<double>(masked_loss(exec, batch, 1.0, false).loss.f32()[0]);
    counted += batch.counted;
  }
  return {{"masked_loss", nats / static_cast<double>(std::max<int64_t>(counted, 1))}};
}

}  // namespace onmal

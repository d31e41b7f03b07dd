#include "train/text_objective.h"

#include <algorithm>
#include <numbers>
#include <sstream>

#include "base/error.h"
#include "tokenizer/chat_template.h"
#include "train/fresh_model.h"

namespace onmal {

TextObjective::TextObjective(const Recipe& recipe)
    : data_(recipe.data),
      run_(recipe.run),
      optimizer_(recipe.optimizer.kind),
      adapter_(recipe.adapter),
      model_(start_language_model(recipe)) {
  if (data_.length > model_.decoder->config().max_positions) {
    throw Error(ErrorCode::kInvalidArgument, "data.length",
                std::to_string(data_.length) + " exceeds the model's context of " +
                    std::to_string(model_.decoder->config().max_positions));
  }
  open_data(recipe);
}

void TextObjective::open_data(const Recipe& recipe) {
  const Tokenizer& tokenizer = *model_.tokenizer;
  if (data_.conversations.empty()) {
    train_ = std::make_unique<ShardSource>(data_.train, tokenizer, data_.length, run_.seed, true);
    if (!data_.heldout.empty()) {
      heldout_ = std::make_unique<ShardSource>(data_.heldout, tokenizer, data_.length, 0, false);
    }
    return;
  }
  ConversationSplit split = read_all_conversations(load_corpus(data_.conversations, data_.folder),
                                                   data_.heldout_permille);
  split.train = join_turns(std::move(split.train), data_.turns, recipe.run.seed);
  train_ = std::make_unique<ConversationSource>(split.train, tokenizer, data_.length, run_.seed);
  if (!split.heldout.empty()) {
    heldout_ = std::make_unique<ConversationSource>(split.heldout, tokenizer, data_.length, 0);
  }
  model_.chat_template = std::string(chatml_template());
  const int32_t turn_end = tokenizer.find("<|im_end|>");
  if (turn_end < 0)
    throw Error(ErrorCode::kInvalidArgument, "tokenizer",
                "has no <|im_end|> token for conversations");
  model_.end_ids = {turn_end};
  if (tokenizer.end_id() >= 0) model_.end_ids.push_back(tokenizer.end_id());
}

std::string TextObjective::fingerprint() const {
  const DecoderConfig& m = model_.decoder->config();
  std::ostringstream text;
  text << m.architecture << ' ' << m.vocab_size << ' ' << m.dim << ' ' << m.layers << ' ' << m.heads
       << ' ' << m.kv_heads << ' ' << m.head_dim << ' ' << m.ffn_dim << ' '
       << tokenizer_fingerprint(*model_.tokenizer) << ' ' << train_->sequences() << ' '
       << data_.length << ' ' << run_.batch << ' ' << run_.accumulation << ' ' << run_.seed << ' '
       << static_cast<int>(optimizer_);
  if (adapter_) text << ' ' << describe_adapter(*adapter_);
  return text.str();
}

TrainBatch TextObjective::make_batch(Allocator& memory, uint64_t position, int64_t count) const {
  return read_batch(*train_, memory, position, count);
}

TrainBatch TextObjective::read_batch(const BatchSource& source, Allocator& memory,
                                     uint64_t position, int64_t count) const {
  const Shape shape{count, data_.length};
  TrainBatch batch;
  for (Tensor* tensor : {&batch.ids, &batch.targets, &batch.first_keys})
    *tensor = Tensor::empty(memory, shape, DType::kI32);
  for (int64_t row = 0; row < count; ++row) {
    const auto span = [&](const Tensor& tensor) {
      return std::span<int32_t>(tensor.i32() + row * data_.length,
                                static_cast<size_t>(data_.length));
    };
    source.fill(position + static_cast<uint64_t>(row), span(batch.ids), span(batch.targets),
                span(batch.first_keys));
  }
  if (!data_.mask_documents) batch.first_keys = Tensor();
  const int32_t* targets = batch.targets.i32();
  batch.tokens = shape.elements();
  batch.counted =
      shape.elements() - std::count(targets, targets + shape.elements(), kIgnoredTarget);
  return batch;
}

Tensor TextObjective::hidden_states(Exec& exec, const TrainBatch& batch,
                                    bool checkpoint_activations) const {
  DecoderInput input;
  input.ids = batch.ids;
  input.first_keys = batch.first_keys;
  input.checkpoint_activations = checkpoint_activations;
  return model_.decoder->forward(exec, input);
}

TrainLoss TextObjective::loss(Exec& exec, const TrainBatch& batch, double normalizer) const {
  const Tensor hidden = hidden_states(exec, batch, run_.checkpoint_activations);
  return scalar_loss(exec, model_.decoder->loss(exec, hidden, batch.targets, normalizer).loss);
}

Evaluation TextObjective::evaluate(Exec& exec, int64_t most, int64_t count) const {
  const int64_t sequences = std::min(heldout_->sequences(), most);
  double nats = 0;
  int64_t bytes = 0;
  const Tokenizer& tokenizer = *model_.tokenizer;
  for (int64_t begin = 0; begin < sequences; begin += count) {
    const int64_t rows = std::min(count, sequences - begin);
    const TrainBatch batch =
        read_batch(*heldout_, *exec.memory, static_cast<uint64_t>(begin), rows);
    const CrossEntropyResult result =
        model_.decoder->loss(exec, hidden_states(exec, batch, false), batch.targets);
    for (int64_t i = 0; i < result.losses.elements(); ++i) {
      const int32_t target = batch.targets.i32()[i];
      if (target == kIgnoredTarget) continue;
      // Every prediction costs bits, the end of a document too; only text counts as bytes.
      nats += static_cast<double>(result.losses.f32()[i]);
      if (!tokenizer.is_special(target))
        bytes += static_cast<int64_t>(tokenizer.piece(target).size());
    }
  }
  const double bits = nats / std::numbers::ln2;
  return {{"bits_per_byte", bits / static_cast<double>(std::max<int64_t>(bytes, 1))}};
}

double TextObjective::flops_per_token() const {
  const DecoderConfig& m = model_.decoder->config();
  // Forward and backward: 6 operations a weight that multiplies, 12 * width * half the length a
  // layer for attention.
  const double looked_up = m.tied_head ? 0.0 : static_cast<double>(m.vocab_size * m.dim);
  const double weights = static_cast<double>(m.parameter_count()) - looked_up;
  const auto width = static_cast<double>(m.heads * m.head_dim);
  // A frozen base needs no gradients of weights.
  return (adapter_ ? 4.0 : 6.0) * weights +
         6.0 * static_cast<double>(m.layers * data_.length) * width;
}

void TextObjective::visit(ParamVisitor visitor) {
  if (!adapter_) return model_.decoder->visit(visitor);
  visit_adapter([this](LinearVisitor v) { model_.decoder->visit_linears(v); }, visitor);
}

void TextObjective::save(const std::filesystem::path& folder) {
  if (adapter_) return save_adapter(model_, *adapter_, folder);
  save_hugging_face(model_, folder, DType::kF32);
}

}  // namespace onmal

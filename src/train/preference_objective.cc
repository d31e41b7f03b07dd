#include "train/preference_objective.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/error.h"
#include "corpus/held_out.h"
#include "corpus/source.h"
#include "numeric/logistic.h"
#include "tokenizer/chat_encoder.h"
#include "tokenizer/chat_template.h"
#include "train/batch_source.h"
#include "train/fresh_model.h"
#include "train/labelled_data.h"

namespace onmal {
namespace {

void append(const Tokenizer& tokenizer, const std::string& text, std::vector<int32_t>& ids) {
  const std::vector<int32_t> more = tokenizer.encode(text);
  ids.insert(ids.end(), more.begin(), more.end());
}

}  // namespace

PreferenceObjective::PreferenceObjective(const Recipe& recipe)
    : objective_(recipe.objective),
      run_(recipe.run),
      adapter_(recipe.adapter),
      length_(recipe.data.length),
      model_(start_language_model(recipe)) {
  const DecoderConfig& config = model_.decoder->config();
  if (length_ > config.max_positions) {
    throw Error(ErrorCode::kInvalidArgument, "data.length",
                std::to_string(length_) + " exceeds the model's context of " +
                    std::to_string(config.max_positions));
  }
  if (!adapter_) {
    if (recipe.from.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "model.from", "is missing",
                  "preferences are learned by a model that answers already");
    }
    reference_ = std::make_unique<LanguageModel>(load_language_model(recipe.from));
  }
  read_template();
  const DataRecipe& data = recipe.data;
  read(data.table, data, data.heldout_table.empty());
  if (!data.heldout_table.empty()) {
    std::vector<Pair> train = std::move(train_);
    train_.clear();
    read(data.heldout_table, data, false);
    heldout_ = std::move(train_);
    train_ = std::move(train);
  }
  const bool wants_heldout = !data.heldout_table.empty() || data.heldout_permille > 0;
  if (train_.empty() || (wants_heldout && heldout_.empty())) {
    throw Error(ErrorCode::kInvalidArgument, data.table.string(),
                train_.empty() ? "the training split is empty" : "the held-out split is empty",
                "check the file, or data.heldout_permille");
  }
  flops_per_token_ = (adapter_ ? 6.0 : 8.0) * static_cast<double>(config.parameter_count());
}

void PreferenceObjective::visit(ParamVisitor visitor) {
  if (!adapter_) return model_.decoder->visit(visitor);
  visit_adapter([this](LinearVisitor v) { model_.decoder->visit_linears(v); }, visitor);
}

void PreferenceObjective::read(const std::filesystem::path& path, const DataRecipe& data,
                               bool split) {
  Source source;
  source.path = path;
  source.format = format_of_name(path, true);
  const std::string fields[] = {data.prompt_column, data.chosen_column, data.rejected_column};
  read_rows(source, fields, "\n", [&](const RecordRow& record) {
    const std::string where = path.string() + ", row " + std::to_string(record.row);
    for (size_t i = 0; i < 3; ++i) {
      if (!record.values[i] || record.values[i]->empty())
        throw Error(ErrorCode::kBadFile, where, "has no '" + fields[i] + "'");
    }
    const std::string& prompt = *record.values[0];
    const bool held = split && is_held_out(prompt, data.heldout_permille);
    (held ? heldout_ : train_)
        .push_back(
            {encode(prompt, *record.values[1], where), encode(prompt, *record.values[2], where)});
  });
}

// The model's own chat template; without one ChatML where the vocabulary has its marks, else one
// text stands behind the other.
void PreferenceObjective::read_template() {
  const Tokenizer& tokenizer = *model_.tokenizer;
  end_id_ = tokenizer.end_id();
  const bool chatml = tokenizer.find("<|im_start|>") >= 0 && tokenizer.find("<|im_end|>") >= 0;
  if (model_.chat_template.empty() && !chatml) return;
  template_ =
      std::make_unique<ChatTemplate>(model_.chat_template, model_.bos_token, model_.eos_token,
                                     model_.path.string() + ": chat template");
  encoder_ = std::make_unique<ChatEncoder>(tokenizer);
  const std::vector<ChatMessage> probe = {{"user", "a"}, {"assistant", "b"}};
  ChatRequest request;
  request.messages = probe;
  const int32_t mark = encoder_->token_behind(template_->render(request), 1);
  if (mark >= 0) end_id_ = mark;
}

PreferenceObjective::Answer PreferenceObjective::encode(const std::string& prompt,
                                                        const std::string& answer,
                                                        const std::string& where) const {
  const Tokenizer& tokenizer = *model_.tokenizer;
  Answer result;
  if (template_ != nullptr) {
    const std::vector<ChatMessage> talk = {{"user", prompt}};
    ChatRequest request;
    request.messages = talk;
    request.add_generation_prompt = true;
    result.ids = encoder_->encode(template_->render(request), template_->is_own_chatml());
  } else {
    append(tokenizer, prompt, result.ids);
  }
  result.prompt = result.ids.size();
  append(tokenizer, answer, result.ids);
  if (end_id_ >= 0) result.ids.push_back(end_id_);
  const auto most = static_cast<size_t>(length_);
  if (result.prompt == 0 || result.prompt >= most) {
    throw Error(ErrorCode::kInvalidArgument, where,
                "the prompt has " + std::to_string(result.prompt) +
                    " tokens, which leaves no room for an answer",
                "raise data.length, or leave the row out");
  }
  if (result.ids.size() > most) result.ids.resize(most);
  return result;
}

TrainBatch PreferenceObjective::make_batch(Allocator& memory, uint64_t position,
                                           int64_t count) const {
  std::vector<const Pair*> pairs;
  for (uint64_t i = position; i < position + static_cast<uint64_t>(count); ++i)
    pairs.push_back(&train_[shuffled_index(i, train_.size(), run_.seed)]);
  return pack(memory, pairs);
}

TrainBatch PreferenceObjective::pack(Allocator& memory, std::span<const Pair* const> pairs) const {
  std::vector<const Answer*> answers;
  for (const Pair* pair : pairs) answers.insert(answers.end(), {&pair->chosen, &pair->rejected});
  std::vector<std::vector<int32_t>> texts;
  for (const Answer* answer : answers) texts.push_back(answer->ids);
  const bool one_a_row = model_.decoder->config().position == PositionKind::kLearned;
  const TextRows rows =
      pack_rows(memory, texts, length_, std::max(0, model_.tokenizer->end_id()), one_a_row);
  TrainBatch batch;
  batch.ids = rows.ids;
  batch.first_keys = rows.first_keys;
  batch.targets = Tensor::empty(memory, rows.ids.shape(), DType::kI32);
  std::fill_n(batch.targets.i32(), batch.targets.elements(), kIgnoredTarget);
  for (size_t i = 0; i < answers.size(); ++i) {
    const int64_t begin = rows.texts[i].begin;
    for (size_t t = answers[i]->prompt; t < texts[i].size(); ++t)
      batch.targets.i32()[begin + static_cast<int64_t>(t) - 1] = texts[i][t];
    batch.spans.push_back({begin, rows.texts[i].end});
  }
  batch.tokens = rows.tokens;
  batch.counted = static_cast<int64_t>(pairs.size());
  return batch;
}

Tensor PreferenceObjective::hidden_states(Exec& exec, const Decoder& decoder,
                                          const TrainBatch& batch,
                                          bool checkpoint_activations) const {
  DecoderInput input;
  input.ids = batch.ids;
  input.first_keys = batch.first_keys;
  input.checkpoint_activations = checkpoint_activations;
  return decoder.forward(exec, input);
}

std::vector<double> PreferenceObjective::log_probabilities(Exec exec, const Decoder& decoder,
                                                           const Tensor& hidden,
                                                           const TrainBatch& batch) const {
  exec.tape = nullptr;
  const Tensor losses = decoder.loss(exec, hidden, batch.targets, 1.0).losses;
  std::vector<double> sums;
  for (const TrainBatch::Span& span : batch.spans) {
    double sum = 0;
    for (int64_t i = span.begin; i < span.end; ++i) sum -= static_cast<double>(losses.f32()[i]);
    sums.push_back(sum);
  }
  return sums;
}

std::vector<double> PreferenceObjective::reference(Exec exec, const TrainBatch& batch) const {
  exec.tape = nullptr;
  const auto linears = [this](LinearVisitor v) { model_.decoder->visit_linears(v); };
  const Decoder& decoder = adapter_ ? *model_.decoder : *reference_->decoder;
  if (adapter_) switch_adapters(linears, false);
  std::vector<double> sums =
      log_probabilities(exec, decoder, hidden_states(exec, decoder, batch, false), batch);
  if (adapter_) switch_adapters(linears, true);
  return sums;
}

// Of each pair: beta * ((chosen - rejected) - (the reference's)).
std::vector<double> PreferenceObjective::margins(Exec& exec, const Tensor& hidden,
                                                 const TrainBatch& batch) const {
  const std::vector<double> ours = log_probabilities(exec, *model_.decoder, hidden, batch);
  const std::vector<double> theirs = reference(exec, batch);
  std::vector<double> margins;
  for (size_t i = 0; i + 1 < ours.size(); i += 2) {
    margins.push_back(objective_.beta * ((ours[i] - ours[i + 1]) - (theirs[i] - theirs[i + 1])));
  }
  return margins;
}

TrainLoss PreferenceObjective::loss(Exec& exec, const TrainBatch& batch, double normalizer) const {
  const Tensor hidden = hidden_states(exec, *model_.decoder, batch, run_.checkpoint_activations);
  const std::vector<double> margin = margins(exec, hidden, batch);
  const double wrong = objective_.label_smoothing;
  // A token's cross-entropy is -ln p: its weight is -d(loss)/d(ln p).
  const Tensor weights = Tensor::zeros(*exec.memory, Shape{batch.targets.elements()});
  double value = 0;
  for (size_t i = 0; i < margin.size(); ++i) {
    value += ((1.0 - wrong) * softplus(-margin[i]) + wrong * softplus(margin[i])) / normalizer;
    const double slope = -(1.0 - wrong) * sigmoid(-margin[i]) + wrong * sigmoid(margin[i]);
    for (size_t side = 0; side < 2; ++side) {
      const TrainBatch::Span& span = batch.spans[2 * i + side];
      const double weight = (side == 0 ? -1.0 : 1.0) * objective_.beta * slope;
      std::fill(weights.f32() + span.begin, weights.f32() + span.end, static_cast<float>(weight));
    }
  }
  TrainLoss result = scalar_loss(
      exec, model_.decoder->loss(exec, hidden, batch.targets, normalizer, weights).loss);
  result.value = value;
  return result;
}

Evaluation PreferenceObjective::evaluate(Exec& exec, int64_t most, int64_t count) const {
  const int64_t size = std::min(static_cast<int64_t>(heldout_.size()), most);
  double loss = 0;
  double total = 0;
  int64_t right = 0;
  for (int64_t begin = 0; begin < size; begin += count) {
    std::vector<const Pair*> pairs;
    for (int64_t i = begin; i < std::min(begin + count, size); ++i)
      pairs.push_back(&heldout_[static_cast<size_t>(i)]);
    const TrainBatch batch = pack(*exec.memory, pairs);
    const Tensor hidden = hidden_states(exec, *model_.decoder, batch, false);
    for (const double margin : margins(exec, hidden, batch)) {
      loss += softplus(-margin);
      total += margin;
      right += margin > 0;
    }
  }
  const auto n = static_cast<double>(std::max<int64_t>(size, 1));
  return {{"accuracy", static_cast<double>(right) / n},
          {"heldout_loss", loss / n},
          {"reward_margin", total / n}};
}

std::string PreferenceObjective::fingerprint() const {
  const DecoderConfig& m = model_.decoder->config();
  std::ostringstream text;
  text << "preference " << m.architecture << ' ' << m.vocab_size << ' ' << m.dim << ' ' << m.layers
       << ' ' << tokenizer_fingerprint(*model_.tokenizer) << ' ' << train_.size() << ' ' << length_
       << ' ' << objective_.beta << ' ' << objective_.label_smoothing << ' ' << run_.batch << ' '
       << run_.accumulation << ' ' << run_.seed;
  if (adapter_) text << ' ' << describe_adapter(*adapter_);
  return text.str();
}

void PreferenceObjective::save(const std::filesystem::path& folder) {
  if (adapter_) return save_adapter(model_, *adapter_, folder);
  save_hugging_face(model_, folder, DType::kF32);
}

}  // namespace onmal

#include "models/classifier.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "models/initialize_params.h"
#include "ops/attention.h"
#include "ops/embedding.h"
#include "ops/softcap.h"

namespace onmal {
namespace {

constexpr size_t kMostLabels = 65536;
constexpr int64_t kTokensAtOnce = 4096;

Tensor index_tensor(Exec& exec, const TextRows& rows, int64_t (*pick)(const TextRows::Text&)) {
  const Tensor index =
      Tensor::empty(*exec.memory, Shape{static_cast<int64_t>(rows.texts.size())}, DType::kI32);
  for (size_t i = 0; i < rows.texts.size(); ++i)
    index.i32()[i] = static_cast<int32_t>(pick(rows.texts[i]));
  return index;
}

// The mean of each text's rows is attention with equal scores: queries and keys of zeros.
Tensor mean_rows(Exec& exec, const Tensor& flat, const TextRows& rows) {
  const auto texts = static_cast<int64_t>(rows.texts.size());
  const Tensor queries = Tensor::zeros(*exec.memory, Shape{1, texts, 1, 1});
  const Tensor keys = Tensor::zeros(*exec.memory, Shape{1, flat.dim(0), 1, 1});
  AttentionParams params;
  params.causal = false;
  params.key_ends =
      index_tensor(exec, rows, [](const TextRows::Text& t) { return t.end; }).reshaped({1, texts});
  const Tensor begins = index_tensor(exec, rows, [](const TextRows::Text& t) {
                          return t.begin;
                        }).reshaped({1, texts});
  const Tensor values = flat.reshaped(Shape{1, flat.dim(0), 1, flat.dim(1)});
  return attention(exec, queries, keys, values, params, begins).reshaped(Shape{texts, flat.dim(1)});
}

size_t best_of(const std::vector<float>& scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

}  // namespace

std::vector<float> label_scores(ClassifyTask task, const float* logits, int64_t count) {
  std::vector<float> scores(logits, logits + count);
  if (task == ClassifyTask::kRegression) return scores;
  if (task == ClassifyTask::kMultiLabel) {
    for (float& score : scores) score = 1.0F / (1.0F + std::exp(-score));
    return scores;
  }
  const float largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (float& score : scores) {
    score = std::exp(score - largest);
    sum += static_cast<double>(score);
  }
  for (float& score : scores) score = static_cast<float>(static_cast<double>(score) / sum);
  return scores;
}

std::string classify_task_name(ClassifyTask task) {
  switch (task) {
    case ClassifyTask::kSingleLabel:
      return "single_label_classification";
    case ClassifyTask::kMultiLabel:
      return "multi_label_classification";
    case ClassifyTask::kRegression:
      return "regression";
    case ClassifyTask::kTokens:
      break;
  }
  return "token_classification";
}

Classifier::Classifier(LanguageModel base, ClassifierConfig config, Rng& rng)
    : config_(std::move(config)), decoder_(std::make_unique<LanguageModel>(std::move(base))) {
  check(decoder_->path.string());
  describe_head();
  visit_head([&](Param& param) { initialize_param(param, memory(), rng); });
}

Classifier::Classifier(EncoderModel base, ClassifierConfig config, Rng& rng)
    : config_(std::move(config)), encoder_(std::make_unique<EncoderModel>(std::move(base))) {
  check(encoder_->path.string());
  describe_head();
  visit_head([&](Param& param) { initialize_param(param, memory(), rng); });
}

void Classifier::check(const std::string& where) const {
  const auto require = [&](bool condition, const std::string& what, const std::string& hint) {
    if (!condition) throw Error(ErrorCode::kInvalidArgument, where, what, hint);
  };
  require(!config_.labels.empty() && config_.labels.size() <= kMostLabels,
          "a classifier of " + std::to_string(config_.labels.size()) + " labels makes no sense",
          "");
  const bool choice =
      config_.task == ClassifyTask::kSingleLabel || config_.task == ClassifyTask::kTokens;
  require(!choice || config_.labels.size() > 1,
          "there is one label only: '" + config_.labels[0] + "'",
          "a choice needs two; check the label column, or use regression");
  require(decoder_ == nullptr || config_.pooling != Pooling::kCls,
          "a decoder's first token has seen nothing of the text", "use pooling last or mean");
}

// Hugging Face's classes: BERT pools before the head, decoders have a head without a bias.
void Classifier::describe_head() {
  if (config_.pooling == Pooling::kNone)
    config_.pooling = decoder_ != nullptr ? Pooling::kLast : Pooling::kCls;
  const bool tokens = config_.task == ClassifyTask::kTokens;
  if (encoder_ != nullptr && config_.pooling == Pooling::kCls && !tokens)
    pooler_ = LinearLayer("classifier.pooler", dim(), dim(), true, 0.02F);
  output_ = LinearLayer("classifier.output", dim(), static_cast<int64_t>(config_.labels.size()),
                        encoder_ != nullptr || tokens, 0.02F);
}

const Tokenizer& Classifier::tokenizer() const {
  return decoder_ != nullptr ? *decoder_->tokenizer : *encoder_->tokenizer.tokenizer;
}

int64_t Classifier::max_tokens() const {
  return decoder_ != nullptr ? decoder_->decoder->config().max_positions
                             : encoder_->encoder->config().max_positions;
}

int64_t Classifier::vocab_size() const {
  return decoder_ != nullptr ? decoder_->decoder->config().vocab_size
                             : encoder_->encoder->config().vocab_size;
}

int64_t Classifier::dim() const {
  return decoder_ != nullptr ? decoder_->decoder->config().dim : encoder_->encoder->config().dim;
}

Allocator& Classifier::memory() {
  return decoder_ != nullptr ? *decoder_->memory : *encoder_->memory;
}

void Classifier::visit_head(ParamVisitor visitor) {
  if (has_pooler()) pooler_.visit(visitor);
  output_.visit(visitor);
}

void Classifier::visit(ParamVisitor visitor) {
  if (decoder_ != nullptr) {
    // The head of the language model has no part in this.
    decoder_->decoder->visit([&](Param& param) {
      if (param.name != "head.weight") visitor(param);
    });
  } else {
    encoder_->encoder->visit(visitor);
  }
  visit_head(visitor);
}

void Classifier::visit_linears(LinearVisitor visitor) {
  if (decoder_ != nullptr) {
    decoder_->decoder->visit_linears(visitor);
  } else {
    encoder_->encoder->visit_linears(visitor);
  }
}

std::vector<int32_t> Classifier::encode(std::string_view text, int64_t limit) const {
  const std::vector<int32_t> ids = tokenizer().encode(text, {.add_special = true});
  if (ids.empty()) return {std::max(0, tokenizer().end_id())};
  return fit_text(ids, limit, &tokenizer());
}

TextRows Classifier::pack(Allocator& memory, std::span<const std::vector<int32_t>> texts,
                          int64_t length, std::span<const int64_t> second_parts) const {
  const bool one_a_row =
      decoder_ != nullptr && decoder_->decoder->config().position == PositionKind::kLearned;
  return pack_rows(memory, texts, length, std::max(0, tokenizer().end_id()), one_a_row,
                   second_parts);
}

Tensor Classifier::hidden_states(Exec& exec, const TextRows& rows,
                                 bool checkpoint_activations) const {
  if (decoder_ != nullptr) {
    DecoderInput input;
    input.ids = rows.ids;
    input.first_keys = rows.first_keys;
    input.checkpoint_activations = checkpoint_activations;
    return decoder_->decoder->forward(exec, input);
  }
  return encoder_->encoder->forward(exec, {rows.ids, rows.positions, rows.first_keys, rows.key_ends,
                                           checkpoint_activations, rows.types});
}

Tensor Classifier::features(Exec& exec, const TextRows& rows, bool checkpoint_activations) const {
  const Tensor hidden = hidden_states(exec, rows, checkpoint_activations);
  const Tensor flat = hidden.reshaped(Shape{hidden.shape().rows(), hidden.dim(-1)});
  if (config_.task == ClassifyTask::kTokens) return flat;
  if (config_.pooling == Pooling::kMean) return mean_rows(exec, flat, rows);
  const bool first = config_.pooling == Pooling::kCls;
  const Tensor index = index_tensor(
      exec, rows,
      first ? [](const TextRows::Text& t) { return t.begin; }
            : [](const TextRows::Text& t) { return t.end - 1; });
  const Tensor picked = embedding(exec, flat, index);
  return has_pooler() ? softcap(exec, pooler_(exec, picked), 1.0F) : picked;
}

Tensor Classifier::logits(Exec& exec, const Tensor& features) const {
  return output_(exec, features);
}

void Classifier::for_batches(
    ThreadPool& pool, std::span<const std::string> texts, const std::stop_token& stop,
    FunctionRef<void(size_t, std::span<const std::vector<int32_t>>, const TextRows&, const float*)>
        body) const {
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  const int64_t length = std::min(max_tokens(), kTokensAtOnce);
  for (size_t next = 0; next < texts.size();) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "classify", "stopped");
    std::vector<std::vector<int32_t>> group;
    const size_t first = next;
    for (int64_t tokens = 0; next < texts.size() && tokens < kTokensAtOnce; ++next) {
      group.push_back(encode(texts[next], length));
      tokens += static_cast<int64_t>(group.back().size());
    }
    const TextRows rows = pack(memory, group, length);
    const Tensor all = logits(exec, features(exec, rows));
    body(first, group, rows, all.f32());
  }
}

std::vector<float> Classifier::head_logits(ThreadPool& pool, std::span<const std::string> texts,
                                           const std::stop_token& stop) const {
  ONMAL_ASSERT(config_.task != ClassifyTask::kTokens);
  const size_t labels = config_.labels.size();
  std::vector<float> result(texts.size() * labels);
  for_batches(pool, texts, stop,
              [&](size_t first, std::span<const std::vector<int32_t>> ids, const TextRows&,
                  const float* logits) {
                std::copy_n(logits, ids.size() * labels, result.data() + first * labels);
              });
  return result;
}

void Classifier::read_scores(const float* logits, std::string_view text,
                             Classification& result) const {
  const size_t labels = config_.labels.size();
  std::vector<float> mixed(logits, logits + labels);
  if (ngrams_ != nullptr) mixed = ngrams_->mix(mixed, text);
  result.scores = label_scores(config_.task, mixed.data(), static_cast<int64_t>(labels));
  result.best = best_of(result.scores);
  if (config_.task != ClassifyTask::kMultiLabel) return;
  if (ngrams_ != nullptr) {
    result.said = ngrams_->said(result.scores);
  } else {
    for (const float score : result.scores) result.said.push_back(score > 0.5F);
  }
}

std::vector<Classification> Classifier::classify(ThreadPool& pool,
                                                 std::span<const std::string> texts,
                                                 const std::stop_token& stop) const {
  const auto labels = static_cast<int64_t>(config_.labels.size());
  std::vector<Classification> results(texts.size());
  for_batches(pool, texts, stop,
              [&](size_t first, std::span<const std::vector<int32_t>> ids, const TextRows& rows,
                  const float* logits) {
                for (size_t i = 0; i < ids.size(); ++i) {
                  const std::string& text = texts[first + i];
                  Classification& result = results[first + i];
                  const auto whole = tokenizer().encode(text, {.add_special = true}).size();
                  if (whole > ids[i].size())
                    result.dropped = static_cast<int64_t>(whole - ids[i].size());
                  if (config_.task != ClassifyTask::kTokens) {
                    read_scores(logits + static_cast<int64_t>(i) * labels, text, result);
                    continue;
                  }
                  for (size_t t = 0; t < ids[i].size(); ++t) {
                    const int64_t row = rows.texts[i].begin + static_cast<int64_t>(t);
                    const std::vector<float> scores =
                        label_scores(config_.task, logits + row * labels, labels);
                    const size_t best = best_of(scores);
                    result.tokens.push_back(
                        {std::string(tokenizer().piece(ids[i][t])), best, scores[best]});
                  }
                }
              });
  return results;
}

}  // namespace onmal

#include "infer/engine/sequence.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/timer.h"
#include "infer/answer_end.h"

namespace onmal {
namespace {

constexpr size_t kExpectedBytesPerToken = 8;

}  // namespace

SampledToken with_logprobs(int32_t id, std::span<const float> logits, int top) {
  SampledToken token{id};
  if (top < 0) return token;
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  const double log_sum = std::log(sum) + largest;
  const auto logprob = [&](int32_t i) {
    return static_cast<float>(logits[static_cast<size_t>(i)] - log_sum);
  };
  token.logprob = logprob(id);
  std::vector<int32_t> ids(logits.size());
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);
  const size_t count = std::min(static_cast<size_t>(top), ids.size());
  std::partial_sort(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(count), ids.end(),
                    [&](int32_t a, int32_t b) {
                      const float x = logits[static_cast<size_t>(a)];
                      const float y = logits[static_cast<size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  for (size_t i = 0; i < count; ++i) token.top.push_back({ids[i], logprob(ids[i])});
  return token;
}

Sequence::Sequence(const LanguageModel& model, Generator& generator, int64_t prefill_chunk,
                   EngineRequest request, std::shared_ptr<EngineListener> listener,
                   std::shared_ptr<const VocabularyTrie> trie)
    : model_(model),
      generator_(generator),
      prefill_chunk_(static_cast<size_t>(prefill_chunk)),
      request_(std::move(request)),
      listener_(std::move(listener)),
      sampler_(request_.options.sampler, text_vocabulary(model)),
      stream_(request_.options.stop_texts,
              static_cast<size_t>(std::min<int64_t>(request_.options.max_tokens, 4096)) *
                  kExpectedBytesPerToken) {
  for (const int32_t id : request_.prompt) sampler_.accept(id);
  result_.prompt_tokens = static_cast<int64_t>(request_.prompt.size());
  if (request_.constraint != nullptr) hold_to_constraint(std::move(trie));
  const std::span<const int32_t> cached = generator_.cached_ids();
  const size_t most = std::min(cached.size(), request_.prompt.size() - 1);
  while (read_ < most && cached[read_] == request_.prompt[read_]) ++read_;
  result_.cached_tokens = static_cast<int64_t>(read_);
}

void Sequence::hold_to_constraint(std::shared_ptr<const VocabularyTrie> trie) {
  mask_.emplace(*model_.tokenizer, *request_.constraint, text_vocabulary(model_),
                end_ids(model_, request_.options), std::move(trie));
  mask_->require_room(
      std::min(request_.options.max_tokens, generator_.context() - result_.prompt_tokens + 1));
}

bool Sequence::advance() {
  if (request_.options.max_tokens == 0) {
    finish(FinishReason::kMaxTokens);
  } else if (reads_prompt()) {
    read_more();
  } else {
    write_token();
  }
  return !ended_;
}

void Sequence::read_more() {
  const Timer timer;
  const std::span<const int32_t> prompt = request_.prompt;
  read_ = std::min(read_ + prefill_chunk_, prompt.size());
  logits_ = generator_.prefill(prompt.first(read_));
  result_.prefill_seconds += timer.seconds();
}

int64_t Sequence::tokens_left() const {
  const auto written = static_cast<int64_t>(result_.ids.size());
  return std::min(request_.options.max_tokens - written, generator_.room() + 1);
}

void Sequence::write_token() {
  const Timer timer;
  const std::span<const float> logits = logits_.first(sampler_.vocab_size());
  const int32_t id = sampler_.sample(mask_ ? mask_->apply(logits, tokens_left()) : logits);
  sampler_.accept(id);
  if (mask_) mask_->accept(id);
  result_.ids.push_back(id);
  std::string text;
  const std::optional<FinishReason> reason = finish_behind(id, text);
  if (!reason) {
    const SampledToken token = with_logprobs(id, logits, request_.top_logprobs);
    listener_->on_text(text, {&token, 1});
    logits_ = generator_.step(id);
    result_.decode_seconds += timer.seconds();
    return;
  }
  stream_.finish([&](std::string_view rest) { text += rest; });
  const SampledToken token = with_logprobs(id, logits, request_.top_logprobs);
  const bool told = *reason != FinishReason::kEndToken && *reason != FinishReason::kStopText;
  if (told || !text.empty()) {
    listener_->on_text(text, told ? std::span(&token, 1) : std::span<const SampledToken>());
  }
  result_.decode_seconds += timer.seconds();
  finish(*reason);
}

std::optional<FinishReason> Sequence::finish_behind(int32_t id, std::string& text) {
  const auto emit = [&](std::string_view part) { text += part; };
  if (ends_answer(model_, request_.options, id)) return FinishReason::kEndToken;
  const Tokenizer& tokenizer = *model_.tokenizer;
  if (!tokenizer.is_special(id) && stream_.push(tokenizer.piece(id), emit)) {
    return FinishReason::kStopText;
  }
  if (mask_ && mask_->is_complete()) return FinishReason::kComplete;
  if (static_cast<int64_t>(result_.ids.size()) >= request_.options.max_tokens) {
    return FinishReason::kMaxTokens;
  }
  if (generator_.room() == 0) return FinishReason::kContextFull;
  return std::nullopt;
}

void Sequence::cancel() {
  std::string text;
  stream_.finish([&](std::string_view rest) { text += rest; });
  if (!text.empty()) listener_->on_text(text, {});
  finish(FinishReason::kCancelled);
}

void Sequence::finish(FinishReason reason) {
  ended_ = true;
  result_.finish = reason;
  result_.text = stream_.text();
  result_.prefill_tokens_per_s =
      tokens_per_second(result_.prompt_tokens - result_.cached_tokens, result_.prefill_seconds);
  const auto steps = std::max<int64_t>(static_cast<int64_t>(result_.ids.size()) - 1, 0);
  result_.decode_tokens_per_s = tokens_per_second(steps, result_.decode_seconds);
  listener_->on_end(result_);
}

void Sequence::fail(const Error& error) {
  ended_ = true;
  listener_->on_error(error);
}

}  // namespace onmal

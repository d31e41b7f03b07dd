#include "infer/engine/sequence.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

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

Sequence::Sequence(const LanguageModel& model, PagePool& pool, int64_t context,
                   Engine::RequestId id, EngineRequest request,
                   std::shared_ptr<EngineListener> listener,
                   std::shared_ptr<const VocabularyTrie> trie)
    : model_(model),
      context_(context),
      id_(id),
      request_(std::move(request)),
      listener_(std::move(listener)),
      cache_(pool, context),
      prompt_tokens_(request_.prompt.size()),
      ids_(request_.prompt),
      sampler_(request_.options.sampler, text_vocabulary(model)),
      stream_(request_.options.stop_texts,
              static_cast<size_t>(std::min<int64_t>(request_.options.max_tokens, 4096)) *
                  kExpectedBytesPerToken) {
  check_tokens();
  for (const int32_t token : ids_) sampler_.accept(token);
  result_.prompt_tokens = static_cast<int64_t>(prompt_tokens_);
  if (request_.constraint != nullptr) hold_to_constraint(std::move(trie));
}

// In a pass an unknown token would be everybody's error.
void Sequence::check_tokens() const {
  const int64_t known = model_.decoder->config().vocab_size;
  for (const int32_t token : ids_) {
    if (token >= 0 && token < known) continue;
    throw Error(ErrorCode::kInvalidArgument, "prompt",
                "token " + std::to_string(token) + " is outside the vocabulary of " +
                    std::to_string(known));
  }
}

void Sequence::hold_to_constraint(std::shared_ptr<const VocabularyTrie> trie) {
  mask_.emplace(*model_.tokenizer, *request_.constraint, text_vocabulary(model_),
                end_ids(model_, request_.options), std::move(trie));
  mask_->require_room(std::min(request_.options.max_tokens, room() + 1));
}

bool Sequence::ends_before_it_begins() {
  if (request_.options.max_tokens > 0) return false;
  finish(FinishReason::kMaxTokens);
  return true;
}

void Sequence::took(double seconds, bool reading) {
  (reading ? result_.prefill_seconds : result_.decode_seconds) += seconds;
}

void Sequence::choose(std::span<const float> logits) noexcept {
  try {
    const std::span<const float> known = logits.first(sampler_.vocab_size());
    const auto written = static_cast<int64_t>(result_.ids.size());
    const int64_t tokens_left = std::min(request_.options.max_tokens - written, room() + 1);
    const int32_t id = sampler_.sample(mask_ ? mask_->apply(known, tokens_left) : known);
    sampler_.accept(id);
    if (mask_) mask_->accept(id);
    chosen_ = with_logprobs(id, known, request_.top_logprobs);
  } catch (...) {
    failure_ = std::current_exception();
  }
}

bool Sequence::tell() {
  if (failure_ != nullptr) std::rethrow_exception(failure_);
  const int32_t id = chosen_.id;
  const bool is_full = room() == 0;
  ids_.push_back(id);
  result_.ids.push_back(id);
  std::string text;
  const std::optional<FinishReason> reason = finish_behind(id, is_full, text);
  if (!reason) {
    listener_->on_text(text, {&chosen_, 1});
    return true;
  }
  stream_.finish([&](std::string_view rest) { text += rest; });
  const bool told = *reason != FinishReason::kEndToken && *reason != FinishReason::kStopText;
  if (told || !text.empty()) {
    listener_->on_text(text, told ? std::span(&chosen_, 1) : std::span<const SampledToken>());
  }
  finish(*reason);
  return false;
}

std::optional<FinishReason> Sequence::finish_behind(int32_t id, bool is_full, std::string& text) {
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
  if (is_full) return FinishReason::kContextFull;
  return std::nullopt;
}

void Sequence::cancel() {
  std::string text;
  stream_.finish([&](std::string_view rest) { text += rest; });
  if (!text.empty()) listener_->on_text(text, {});
  finish(FinishReason::kCancelled);
}

void Sequence::finish(FinishReason reason) {
  result_.finish = reason;
  result_.text = stream_.text();
  result_.prefill_tokens_per_s =
      tokens_per_second(result_.prompt_tokens - result_.cached_tokens, result_.prefill_seconds);
  const auto steps = std::max<int64_t>(static_cast<int64_t>(result_.ids.size()) - 1, 0);
  result_.decode_tokens_per_s = tokens_per_second(steps, result_.decode_seconds);
  listener_->on_end(result_);
}

void Sequence::fail(const Error& error) { listener_->on_error(error); }

}  // namespace onmal

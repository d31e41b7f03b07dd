#include "infer/generator.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/memory_size.h"
#include "base/timer.h"
#include "infer/answer_end.h"
#include "infer/text_stream.h"

namespace onmal {
namespace {

constexpr size_t kReservedBytesPerToken = 8;
constexpr int64_t kMostDraftTokens = 64;

KvCache make_cache(const LanguageModel& model, Allocator& memory, const GeneratorOptions& options) {
  const int64_t tokens = context_of(model, options);
  const DecoderConfig& config = model.decoder->config();
  const int64_t values = 2 * config.layers * tokens * config.kv_heads * config.head_dim;
  const int64_t bytes = dtype_bytes(options.cache_type, values);
  require_memory(bytes, model.path.string(),
                 "the cache of keys and values for " + std::to_string(tokens) + " tokens",
                 "ask for a shorter context");
  return model.decoder->make_cache(memory, tokens, options.cache_type);
}

const Tokenizer& tokenizer_of(const LanguageModel& model) {
  if (model.tokenizer != nullptr) return *model.tokenizer;
  throw Error(ErrorCode::kUnsupported, model.path.string(),
              "the model has no tokenizer that this program understands" +
                  (model.tokenizer_problem.empty() ? "" : " (" + model.tokenizer_problem + ")"),
              "use a model with a byte-level BPE tokenizer");
}

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kEndToken:
      return "end_token";
    case FinishReason::kStopText:
      return "stop_text";
    case FinishReason::kMaxTokens:
      return "max_tokens";
    case FinishReason::kContextFull:
      return "context_full";
    case FinishReason::kCancelled:
      return "cancelled";
    case FinishReason::kComplete:
      return "complete";
  }
  return "unknown";
}

Generator::Generator(const LanguageModel& model, ThreadPool& pool, const GeneratorOptions& options)
    : model_(model),
      backend_(make_cpu_backend(options.isa)),
      pool_(pool),
      options_(options),
      packed_(options.repack && options.matmul == MatmulPrecision::kInt8
                  ? model.packing->get(*model.decoder, model.backing != nullptr, backend_, pool,
                                       PackedFor::kOne)
                  : nullptr),
      cache_(make_cache(model, long_lived_, options)),
      logits_(static_cast<size_t>(model.decoder->config().vocab_size)) {
  cached_ids_.reserve(static_cast<size_t>(cache_.capacity()));
  const SpeculationOptions& speculation = options_.speculation;
  if (speculation.draft_tokens < 0 || speculation.draft_tokens > kMostDraftTokens) {
    throw Error(ErrorCode::kInvalidArgument, "draft tokens",
                "must be between 0 and " + std::to_string(kMostDraftTokens));
  }
  if (!speculation.on()) return;
  speculator_ =
      std::make_unique<Speculator>(model, pool, speculation, options_.matmul, cache_.capacity());
  pass_.reserve(static_cast<size_t>(speculation.draft_tokens) + 1);
}

Generator::~Generator() = default;

void Generator::reset() {
  cache_.truncate(0);
  cached_ids_.clear();
}

// Runs the model over `ids` behind the cached tokens; gives the logits of the last `wanted_logits`.
std::span<const float> Generator::forward(std::span<const int32_t> ids, Allocator& memory,
                                          int64_t wanted_logits) {
  Exec exec{&pool_, &memory, &backend_};
  exec.matmul_precision = options_.matmul;
  exec.packed = packed_.get();
  const auto count = static_cast<int64_t>(ids.size());
  const Tensor input =
      Tensor::borrowed(const_cast<int32_t*>(ids.data()), Shape{1, count}, DType::kI32);
  const Decoder& decoder = *model_.decoder;
  const Tensor hidden = decoder.forward(exec, {input, {}, &cache_});
  cached_ids_.insert(cached_ids_.end(), ids.begin(), ids.end());
  if (wanted_logits == 0) return {};
  const int64_t dim = hidden.dim(-1);
  const Tensor last = hidden.reshaped(Shape{count, dim}).slice(count - wanted_logits, count);
  const Tensor logits = decoder.logits(exec, last);
  const auto values = static_cast<size_t>(logits.elements());
  if (logits_.size() < values) logits_.resize(values);
  std::copy_n(logits.f32(), values, logits_.begin());
  return std::span(logits_).first(values);
}

// One pass over a sampled token and what may follow it: logits [1 + guesses, vocab_size].
std::span<const float> Generator::verify(int32_t id, std::span<const int32_t> guesses) {
  const Timer timer;
  pass_.assign(1, id);
  pass_.insert(pass_.end(), guesses.begin(), guesses.end());
  step_memory_.reset();
  const std::span<const float> logits =
      forward(pass_, step_memory_, static_cast<int64_t>(pass_.size()));
  speculator_->measured(static_cast<int64_t>(guesses.size()), timer.seconds());
  return logits;
}

// Takes back the last tokens of the sequence.
void Generator::forget(size_t tokens) {
  if (tokens == 0) return;
  cached_ids_.resize(cached_ids_.size() - tokens);
  cache_.truncate(static_cast<int64_t>(cached_ids_.size()));
}

// Keeps the cached tokens that `prompt` begins with; at least one token is left to compute.
int64_t Generator::reuse_prefix(std::span<const int32_t> prompt) {
  if (prompt.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "prompt", "is empty", "give some text");
  }
  require_fits(static_cast<int64_t>(prompt.size()), context());
  const size_t most = std::min(cached_ids_.size(), prompt.size() - 1);
  size_t common = 0;
  while (common < most && cached_ids_[common] == prompt[common]) ++common;
  cache_.truncate(static_cast<int64_t>(common));
  cached_ids_.resize(common);
  return static_cast<int64_t>(common);
}

std::span<const float> Generator::prefill(std::span<const int32_t> prompt,
                                          const std::stop_token& stop) {
  const int64_t cached = reuse_prefix(prompt);
  std::span<const int32_t> rest = prompt.subspan(static_cast<size_t>(cached));
  while (true) {
    if (stop.stop_requested()) return {};
    const size_t chunk = std::min(rest.size(), static_cast<size_t>(options_.prefill_chunk));
    const bool is_last = chunk == rest.size();
    const std::span<const float> logits =
        forward(rest.first(chunk), prefill_memory_, is_last ? 1 : 0);
    if (is_last) return logits;
    rest = rest.subspan(chunk);
  }
}

std::span<const float> Generator::step(int32_t id) {
  require_fits(cache_.length() + 1, context());
  step_memory_.reset();
  return forward(std::span(&id, 1), step_memory_, 1);
}

GenerateResult Generator::generate(std::span<const int32_t> prompt, const GenerateOptions& options,
                                   OnText on_text, const std::stop_token& stop) {
  tokenizer_of(model_);
  if (options.max_tokens < 0) {
    throw Error(ErrorCode::kInvalidArgument, "number of tokens", "must be 0 or more");
  }
  GenerateResult result;
  result.prompt_tokens = static_cast<int64_t>(prompt.size());
  result.cached_tokens = reuse_prefix(prompt);
  const int64_t vocabulary = text_vocabulary(model_);
  Sampler sampler(options.sampler, vocabulary);
  const auto most =
      static_cast<size_t>(std::min(options.max_tokens, context() - result.prompt_tokens + 1));
  TextStream stream(options.stop_texts, most * kReservedBytesPerToken);
  result.ids.reserve(most);
  for (const int32_t id : prompt) sampler.accept(id);

  std::optional<TokenMask> mask;
  make_mask(options, vocabulary, mask);
  if (mask && most > 0) mask->require_room(static_cast<int64_t>(most));

  Timer timer;
  const std::span<const float> logits = prefill(prompt, stop);
  result.prefill_seconds = timer.seconds();
  result.prefill_tokens_per_s =
      tokens_per_second(result.prompt_tokens - result.cached_tokens, result.prefill_seconds);
  if (logits.empty()) {
    result.finish = FinishReason::kCancelled;
    return result;
  }
  timer.restart();
  if (speculator_ != nullptr) speculator_->begin(prompt, options.sampler, vocabulary);
  decode(options, logits, sampler, mask ? &*mask : nullptr, stream, on_text, stop, result);
  stream.finish(on_text);
  result.decode_seconds = timer.seconds();
  const auto steps = std::max<int64_t>(static_cast<int64_t>(result.ids.size()) - 1, 0);
  result.decode_tokens_per_s = tokens_per_second(steps, result.decode_seconds);
  result.text = stream.text();
  return result;
}

// Leaves `mask` empty without a constraint.
void Generator::make_mask(const GenerateOptions& options, int64_t vocabulary,
                          std::optional<TokenMask>& mask) {
  if (options.constraint == nullptr) return;
  if (vocabulary_ == nullptr)
    vocabulary_ = std::make_shared<VocabularyTrie>(*model_.tokenizer, vocabulary);
  mask.emplace(*model_.tokenizer, *options.constraint, vocabulary, end_ids(model_, options),
               vocabulary_);
}

// The sequence in the cache may be ahead of the answer by guesses[row..]: they stay where the
// sampled tokens turn out to be the same, and are forgotten otherwise.
void Generator::decode(const GenerateOptions& options, std::span<const float> logits,
                       Sampler& sampler, TokenMask* mask, TextStream& stream, OnText on_text,
                       const std::stop_token& stop, GenerateResult& result) {
  const auto width = static_cast<size_t>(model_.decoder->config().vocab_size);
  const auto most = static_cast<size_t>(options.max_tokens);
  std::span<const int32_t> guesses;
  size_t row = 0;  // of `logits`: behind the tokens sampled so far
  while (result.ids.size() < most) {
    const std::span<const float> here = logits.subspan(row * width, sampler.vocab_size());
    const auto room_left = room() + static_cast<int64_t>(guesses.size() - row);
    const int64_t tokens_left =
        std::min(static_cast<int64_t>(most - result.ids.size()), room_left + 1);
    const int32_t id = sampler.sample(mask == nullptr ? here : mask->apply(here, tokens_left));
    sampler.accept(id);
    if (mask != nullptr) mask->accept(id);
    if (speculator_ != nullptr) speculator_->accept(id);
    result.ids.push_back(id);
    const size_t ahead = guesses.size() - row;
    std::optional<FinishReason> finish =
        finish_after(id, options, stream, on_text, stop, room_left, result.ids.size() == most);
    if (mask != nullptr && finish != FinishReason::kEndToken && mask->is_complete())
      finish = FinishReason::kComplete;
    if (finish) {
      forget(ahead);
      result.finish = *finish;
      return;
    }
    if (ahead > 0 && guesses[row] == id) {
      ++row;
      ++result.accepted_tokens;
      continue;
    }
    forget(ahead);
    row = 0;
    if (speculator_ == nullptr) {
      logits = step(id);
      continue;
    }
    const auto left = static_cast<int64_t>(most - result.ids.size());
    guesses = speculator_->guess(sampler, std::min(left, room()) - 1);
    logits = verify(id, guesses);
    result.drafted_tokens += static_cast<int64_t>(guesses.size());
  }
  result.finish = FinishReason::kMaxTokens;
}

// Gives the text of a sampled token out; why the answer ends behind it, or nothing.
std::optional<FinishReason> Generator::finish_after(int32_t id, const GenerateOptions& options,
                                                    TextStream& stream, OnText on_text,
                                                    const std::stop_token& stop, int64_t room_left,
                                                    bool is_last) const {
  const Tokenizer& tokenizer = *model_.tokenizer;
  if (ends_answer(model_, options, id)) return FinishReason::kEndToken;
  if (!tokenizer.is_special(id) && stream.push(tokenizer.piece(id), on_text)) {
    return FinishReason::kStopText;
  }
  if (is_last) return FinishReason::kMaxTokens;
  if (room_left == 0) return FinishReason::kContextFull;
  if (stop.stop_requested()) return FinishReason::kCancelled;
  return std::nullopt;
}

}  // namespace onmal

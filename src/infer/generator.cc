#include "infer/generator.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/timer.h"
#include "infer/text_stream.h"
#include "kernels/select.h"

namespace onmal {
namespace {

constexpr size_t kExpectedBytesPerToken = 8;

int64_t cache_capacity(const LanguageModel& model, const GeneratorOptions& options) {
  if (options.context < 0 || options.prefill_chunk < 1) {
    throw Error(ErrorCode::kInvalidArgument, "context", "must be 0 (the model's own) or more");
  }
  const int64_t most = model.decoder->config().max_positions;
  return options.context == 0 ? most : std::min(options.context, most);
}

const Tokenizer& tokenizer_of(const LanguageModel& model) {
  if (model.tokenizer != nullptr) return *model.tokenizer;
  throw Error(ErrorCode::kUnsupported, model.path.string(),
              "the model has no tokenizer that this program understands" +
                  (model.tokenizer_problem.empty() ? "" : " (" + model.tokenizer_problem + ")"),
              "use a model with a byte-level BPE tokenizer");
}

// The weights of linear maps; what was packed of a mapped file need not stay in memory.
PackedWeights pack_weights(const LanguageModel& model, const Backend& backend, ThreadPool& pool,
                           Allocator& memory) {
  std::vector<Tensor> weights;
  model.decoder->visit([&](const Param& param) {
    const bool is_table = param.name == "embedding.weight" && !model.decoder->config().tied_head;
    if (param.kind != ParamKind::kVector && !is_table) weights.push_back(param.value);
  });
  Exec exec{&pool, &memory, &backend};
  PackedWeights packed(exec, memory, weights);
  if (model.backing == nullptr) return packed;
  const kernels::Int8Kernels& kernels = kernels::int8(*backend.kernels);
  for (const Tensor& weight : weights) {
    if (weight.owned() || packed.find(kernels, weight).data == nullptr) continue;
    drop_mapped_pages(weight.data(), static_cast<size_t>(weight.bytes()));
  }
  return packed;
}

double rate(int64_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0;
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
  }
  return "unknown";
}

Generator::Generator(const LanguageModel& model, ThreadPool& pool, const GeneratorOptions& options)
    : model_(model),
      backend_(make_cpu_backend(options.isa)),
      pool_(pool),
      options_(options),
      packed_(options.repack && options.matmul == MatmulPrecision::kInt8
                  ? pack_weights(model, backend_, pool, long_lived_)
                  : PackedWeights()),
      cache_(model.decoder->make_cache(long_lived_, cache_capacity(model, options))),
      prompt_logits_(static_cast<size_t>(model.decoder->config().vocab_size)) {
  cached_ids_.reserve(static_cast<size_t>(cache_.capacity()));
}

void Generator::reset() {
  cache_.truncate(0);
  cached_ids_.clear();
}

void Generator::check_fits(int64_t tokens) const {
  if (tokens <= context()) return;
  throw Error(ErrorCode::kResource, "context",
              std::to_string(tokens) + " tokens do not fit into the context of " +
                  std::to_string(context()) + " (" + std::to_string(tokens - context()) +
                  " too many)",
              "shorten the input or, where the model allows it, ask for a longer context");
}

// Runs the model over `ids` behind the cached tokens; the logits are those of the last one.
std::span<const float> Generator::forward(std::span<const int32_t> ids, Allocator& memory,
                                          bool wants_logits) {
  Exec exec{&pool_, &memory, &backend_};
  exec.matmul_precision = options_.matmul;
  exec.packed = &packed_;
  const auto count = static_cast<int64_t>(ids.size());
  const Tensor input =
      Tensor::borrowed(const_cast<int32_t*>(ids.data()), Shape{1, count}, DType::kI32);
  const Decoder& decoder = *model_.decoder;
  const Tensor hidden = decoder.forward(exec, {input, {}, &cache_});
  cached_ids_.insert(cached_ids_.end(), ids.begin(), ids.end());
  if (!wants_logits) return {};
  const int64_t dim = hidden.dim(-1);
  const Tensor last = hidden.reshaped(Shape{count, dim}).slice(count - 1, count);
  const Tensor logits = decoder.logits(exec, last);
  std::copy_n(logits.f32(), logits.elements(), prompt_logits_.begin());
  return prompt_logits_;
}

// Keeps the cached tokens that `prompt` begins with; at least one token is left to compute.
int64_t Generator::reuse_prefix(std::span<const int32_t> prompt) {
  if (prompt.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "prompt", "is empty", "give some text");
  }
  check_fits(static_cast<int64_t>(prompt.size()));
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
    const std::span<const float> logits = forward(rest.first(chunk), prefill_memory_, is_last);
    if (is_last) return logits;
    rest = rest.subspan(chunk);
  }
}

std::span<const float> Generator::step(int32_t id) {
  check_fits(cache_.length() + 1);
  step_memory_.reset();
  return forward(std::span(&id, 1), step_memory_, true);
}

bool Generator::ends_answer(int32_t id, const GenerateOptions& options) const {
  const auto contains = [id](const std::vector<int32_t>& ids) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  if (contains(options.stop_ids)) return true;
  if (options.ignore_end) return false;
  return contains(model_.end_ids) || (model_.end_ids.empty() && id == model_.tokenizer->end_id());
}

GenerateResult Generator::generate(std::span<const int32_t> prompt, const GenerateOptions& options,
                                   OnText on_text, const std::stop_token& stop) {
  const Tokenizer& tokenizer = tokenizer_of(model_);
  if (options.max_tokens < 0) {
    throw Error(ErrorCode::kInvalidArgument, "number of tokens", "must be 0 or more");
  }
  GenerateResult result;
  result.prompt_tokens = static_cast<int64_t>(prompt.size());
  result.cached_tokens = reuse_prefix(prompt);
  // A vocabulary padded beyond the tokenizer's has rows that stand for no text.
  const int64_t vocabulary = std::min(model_.decoder->config().vocab_size, tokenizer.vocab_size());
  Sampler sampler(options.sampler, vocabulary);
  const auto most =
      static_cast<size_t>(std::min(options.max_tokens, context() - result.prompt_tokens + 1));
  TextStream stream(options.stop_texts, most * kExpectedBytesPerToken);
  result.ids.reserve(most);
  for (const int32_t id : prompt) sampler.accept(id);

  Timer timer;
  const std::span<const float> logits = prefill(prompt, stop);
  result.prefill_seconds = timer.seconds();
  result.prefill_tokens_per_s =
      rate(result.prompt_tokens - result.cached_tokens, result.prefill_seconds);
  if (logits.empty()) {
    result.finish = FinishReason::kCancelled;
    return result;
  }
  timer.restart();
  decode(options, logits.first(static_cast<size_t>(vocabulary)), sampler, stream, on_text, stop,
         result);
  stream.finish(on_text);
  result.decode_seconds = timer.seconds();
  const auto steps = std::max<int64_t>(static_cast<int64_t>(result.ids.size()) - 1, 0);
  result.decode_tokens_per_s = rate(steps, result.decode_seconds);
  result.text = stream.text();
  return result;
}

void Generator::decode(const GenerateOptions& options, std::span<const float> logits,
                       Sampler& sampler, TextStream& stream, OnText on_text,
                       const std::stop_token& stop, GenerateResult& result) {
  const Tokenizer& tokenizer = *model_.tokenizer;
  const size_t vocabulary = logits.size();
  const auto most = static_cast<size_t>(options.max_tokens);
  while (result.ids.size() < most) {
    const int32_t id = sampler.sample(logits);
    sampler.accept(id);
    result.ids.push_back(id);
    if (ends_answer(id, options)) {
      result.finish = FinishReason::kEndToken;
      return;
    }
    if (!tokenizer.is_special(id) && stream.push(tokenizer.piece(id), on_text)) {
      result.finish = FinishReason::kStopText;
      return;
    }
    if (result.ids.size() == most) break;
    if (room() == 0 || stop.stop_requested()) {
      result.finish = room() == 0 ? FinishReason::kContextFull : FinishReason::kCancelled;
      return;
    }
    logits = step(id).first(vocabulary);
  }
  result.finish = FinishReason::kMaxTokens;
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "infer/sampler.h"
#include "infer/speculation.h"
#include "infer/text_constraint.h"
#include "models/language_model.h"
#include "nn/kv_cache.h"
#include "ops/backend.h"
#include "ops/packed_weights.h"

namespace onmal {

struct GeneratorOptions {
  MatmulPrecision matmul = MatmulPrecision::kInt8;
  int64_t context = 4096;  // most tokens kept; never more than the model's own context. 0: that
  int64_t prefill_chunk = 256;  // prompt tokens per forward pass: what a stop request waits for
  SpeculationOptions speculation = {};
  DType cache_type = DType::kF16;  // of the cached keys and values: f32, f16 or q8_0
  bool repack = true;              // quantised weights, in an order that the kernels read faster
  Isa isa = detect_isa();  // kernels to use: this one's or the best the processor has below it
};

struct GenerateOptions {
  int64_t max_tokens = 256;
  std::vector<std::string> stop_texts;  // end the answer, across token borders, never given out
  std::vector<int32_t> stop_ids;        // beside the model's own end tokens
  bool ignore_end = false;              // go on behind the model's end tokens (they are not shown)
  SamplerOptions sampler;
  // What the answer may look like; null: anything. Guesses of speculation are held to it too. One
  // that knows its endings is never cut by max_tokens or a full context: it ends in time, or
  // Error(kInvalidArgument) says how many tokens the shortest answer takes.
  const TextConstraint* constraint = nullptr;
};

enum class FinishReason : uint8_t {
  kEndToken,  // the last of the ids
  kStopText,
  kMaxTokens,
  kContextFull,
  kCancelled,
  kComplete,  // the constraint lets nothing follow; no end token was sampled
};
std::string_view finish_reason_name(FinishReason reason);

struct GenerateResult {
  std::string text;          // always valid UTF-8; without special tokens
  std::vector<int32_t> ids;  // all that were sampled, an end token included
  FinishReason finish = FinishReason::kMaxTokens;
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt, found in the cache of an earlier call
  double prefill_seconds = 0;
  double decode_seconds = 0;
  double prefill_tokens_per_s = 0;  // of the tokens not cached
  double decode_tokens_per_s = 0;
  int64_t drafted_tokens = 0;   // guessed by speculation and verified
  int64_t accepted_tokens = 0;  // of those, the ones that came true
};

// One sequence of a model: answers prompts, and remembers the keys and values of all it has seen,
// so that the next turn of a conversation computes only what is new. Not thread-safe; the model and
// the pool must outlive it. A decode step allocates nothing on the heap. Speculates by default,
// which changes nothing but the speed (infer/speculation.h).
class Generator {
 public:
  Generator(const LanguageModel& model, ThreadPool& pool, const GeneratorOptions& options = {});
  ~Generator();

  using OnText = FunctionRef<void(std::string_view)>;
  // Continues `prompt`. `on_text` gets whole characters as soon as they are certain. A stop request
  // ends the answer (kCancelled) and leaves the cache usable. Throws Error(kResource) saying by how
  // many tokens a prompt is too long, Error(kUnsupported) for a model without a tokenizer.
  GenerateResult generate(std::span<const int32_t> prompt, const GenerateOptions& options,
                          OnText on_text, const std::stop_token& stop = {});

  // The two steps that generate() is made of; logits stay valid until the next call.
  // Makes the sequence equal to `prompt` (not empty) and returns the logits behind it; an empty
  // span when stopped.
  std::span<const float> prefill(std::span<const int32_t> prompt, const std::stop_token& stop = {});
  // Appends one token and returns the logits behind it.
  std::span<const float> step(int32_t id);

  // Tokens whose keys and values are held.
  std::span<const int32_t> cached_ids() const { return cached_ids_; }
  int64_t context() const { return cache_.capacity(); }
  int64_t room() const { return cache_.room(); }
  // Forgets everything.
  void reset();

 private:
  std::span<const float> forward(std::span<const int32_t> ids, Allocator& memory,
                                 int64_t wanted_logits);
  std::span<const float> verify(int32_t id, std::span<const int32_t> guesses);
  void forget(size_t tokens);
  int64_t reuse_prefix(std::span<const int32_t> prompt);
  void make_mask(const GenerateOptions& options, int64_t vocabulary,
                 std::optional<TokenMask>& mask);
  void decode(const GenerateOptions& options, std::span<const float> logits, Sampler& sampler,
              TokenMask* mask, class TextStream& stream, OnText on_text,
              const std::stop_token& stop, GenerateResult& result);
  std::optional<FinishReason> finish_after(int32_t id, const GenerateOptions& options,
                                           class TextStream& stream, OnText on_text,
                                           const std::stop_token& stop, int64_t room_left,
                                           bool is_last) const;

  const LanguageModel& model_;
  Backend backend_;
  ThreadPool& pool_;
  GeneratorOptions options_;
  HeapAllocator long_lived_;
  std::shared_ptr<const PackedWeights> packed_;  // the model's; null: weights as they are stored
  KvCache cache_;
  std::vector<int32_t> cached_ids_;
  // A long prompt's activations are given back as soon as they are used; a single token's all fit
  // into an arena, which costs nothing.
  CachingAllocator prefill_memory_{0, CachingAllocator::Fit::kLarger};
  Arena step_memory_;
  std::vector<float> logits_;  // of the last tokens of a pass
  std::unique_ptr<Speculator> speculator_;
  std::shared_ptr<const VocabularyTrie> vocabulary_;  // made for the first constrained answer
  std::vector<int32_t> pass_;                         // a token and the guesses behind it
};

}  // namespace onmal

#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infer/engine/engine.h"
#include "infer/text_stream.h"
#include "nn/paged_kv_cache.h"

namespace onmal {

// One request being answered: its tokens, where their keys and values lie, and what is done with
// the logits behind them. What is computed and when is the scheduler's.
class Sequence {
 public:
  // Of at most `context` tokens. `trie`: of the model's vocabulary, for a constraint; null: made
  // here. Throws Error(kInvalidArgument) for an unknown token and for a constraint that the limits
  // leave no room for.
  Sequence(const LanguageModel& model, PagePool& pool, int64_t context, Engine::RequestId id,
           EngineRequest request, std::shared_ptr<EngineListener> listener,
           std::shared_ptr<const VocabularyTrie> trie = nullptr);

  Engine::RequestId id() const { return id_; }
  PagedSequence& cache() { return cache_; }
  const PagedSequence& cache() const { return cache_; }
  // The prompt and all that was written, the tokens that are not computed yet among them.
  std::span<const int32_t> ids() const { return ids_; }
  std::span<const int32_t> prompt() const { return std::span(ids_).first(prompt_tokens_); }
  int64_t uncomputed() const { return static_cast<int64_t>(ids_.size()) - cache_.length(); }
  // Tokens of the prompt are left to compute.
  bool reads() const { return cache_.length() < static_cast<int64_t>(prompt_tokens_); }
  // Tells that keys and values of so many tokens of the prompt were found.
  void found_cached(int64_t tokens) { result_.cached_tokens += tokens; }
  // Its pages were taken away and what was computed is to be computed again.
  void set_preempted() { was_preempted_ = true; }
  bool was_preempted() const { return was_preempted_; }
  // Adds the time of a pass that it took part in.
  void took(double seconds, bool reading);

  // Chooses the next token by the logits [vocab_size] behind all tokens. On any thread, one at a
  // time; what is thrown is kept for tell().
  void choose(std::span<const float> logits) noexcept;
  // Gives the chosen token to the listener. False when the answer has ended and the listener was
  // told so.
  bool tell();
  // Ends at once where nothing is to be written: true.
  bool ends_before_it_begins();
  void cancel();
  // The listener is told of an error in place of an end.
  void fail(const Error& error);

  const GenerateResult& result() const { return result_; }

 private:
  void check_tokens() const;
  void hold_to_constraint(std::shared_ptr<const VocabularyTrie> trie);
  int64_t room() const { return context_ - static_cast<int64_t>(ids_.size()); }
  // Why the answer ends behind its latest token, or nothing; `text` gets what became certain.
  std::optional<FinishReason> finish_behind(int32_t id, bool is_full, std::string& text);
  void finish(FinishReason reason);

  const LanguageModel& model_;
  int64_t context_;
  Engine::RequestId id_;
  EngineRequest request_;
  std::shared_ptr<EngineListener> listener_;
  PagedSequence cache_;
  size_t prompt_tokens_;
  std::vector<int32_t> ids_;
  Sampler sampler_;
  TextStream stream_;
  std::optional<TokenMask> mask_;
  GenerateResult result_;
  SampledToken chosen_;
  std::exception_ptr failure_;  // of choose()
  bool was_preempted_ = false;
};

// log-softmax of the sampled token and the likeliest `top`, in double.
SampledToken with_logprobs(int32_t id, std::span<const float> logits, int top);

}  // namespace onmal

#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "infer/engine/engine.h"
#include "infer/text_stream.h"

namespace onmal {

// One request being answered with one generator's cache, a step at a time.
class Sequence {
 public:
  // `trie`: of the model's vocabulary, for a constraint; null: made here.
  Sequence(const LanguageModel& model, Generator& generator, int64_t prefill_chunk,
           EngineRequest request, std::shared_ptr<EngineListener> listener,
           std::shared_ptr<const VocabularyTrie> trie = nullptr);

  // Reads a stretch of the prompt or writes one token. False when the answer has ended and the
  // listener was told.
  bool advance();
  void cancel();
  // The listener is told of an error in place of an end.
  void fail(const Error& error);

  const GenerateResult& result() const { return result_; }
  bool reads_prompt() const { return read_ < request_.prompt.size(); }

 private:
  void read_more();
  void write_token();
  void hold_to_constraint(std::shared_ptr<const VocabularyTrie> trie);
  int64_t tokens_left() const;
  // Why the answer ends behind its latest token, or nothing; `text` gets what became certain.
  std::optional<FinishReason> finish_behind(int32_t id, std::string& text);
  void finish(FinishReason reason);

  const LanguageModel& model_;
  Generator& generator_;
  size_t prefill_chunk_;
  EngineRequest request_;
  std::shared_ptr<EngineListener> listener_;
  Sampler sampler_;
  TextStream stream_;
  std::optional<TokenMask> mask_;
  GenerateResult result_;
  size_t read_ = 0;                // prompt tokens whose keys and values are there
  std::span<const float> logits_;  // behind the tokens so far; the generator's own
  bool ended_ = false;
};

// log-softmax of the sampled token and the likeliest `top`, in double.
SampledToken with_logprobs(int32_t id, std::span<const float> logits, int top);

}  // namespace onmal

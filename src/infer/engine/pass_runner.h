#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "infer/generator.h"
#include "models/decoder.h"
#include "models/language_model.h"
#include "nn/paged_kv_cache.h"

namespace onmal {

inline int64_t pages_for(int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

// A model with pages for the keys and values of many sequences, and one forward pass over some of
// their tokens. Belongs to one thread.
class PassRunner {
 public:
  // Pages for `cache_tokens` tokens; 0: four contexts where half of the free memory has room for
  // them, one at least. Never fewer than one context. Throws Error(kResource) when there is too
  // little memory.
  PassRunner(const LanguageModel& model, ThreadPool& pool, const GeneratorOptions& options,
             int64_t cache_tokens);

  int64_t context() const { return context_; }
  PagePool& pages() { return *pages_; }
  ThreadPool& threads() { return threads_; }

  // One stretch of a sequence's tokens.
  struct Stretch {
    PagedSequence* sequence = nullptr;
    std::span<const int32_t> ids;
    bool reads = false;         // tokens of a prompt, which stand behind all others
    bool wants_logits = false;  // behind its last token
  };
  // Computes all of them at once; the logits [wanted, vocab_size] stay valid until the next call.
  std::span<const float> run(std::span<const Stretch> stretches);

  int64_t vocab_size() const { return model_.decoder->config().vocab_size; }

 private:
  Tensor wanted_rows(Exec& exec, const Tensor& hidden, std::span<const Stretch> stretches) const;

  const LanguageModel& model_;
  ThreadPool& threads_;
  Backend backend_;
  MatmulPrecision matmul_;
  int64_t context_;
  std::shared_ptr<const PackedWeights> packed_;  // the model's; null: weights as they are stored
  HeapAllocator long_lived_;
  std::unique_ptr<PagePool> pages_;
  // A prompt's activations are given back as soon as they are used; those of single tokens all fit
  // into an arena, which costs nothing.
  CachingAllocator reading_memory_{0, CachingAllocator::Fit::kLarger};
  Arena writing_memory_;
  int64_t last_rows_ = 0;  // of the last pass that read
  std::vector<int32_t> ids_;
  std::vector<DecoderSegment> segments_;
  std::vector<float> logits_;
};

}  // namespace onmal

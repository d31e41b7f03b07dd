#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "infer/score.h"
#include "models/language_model.h"

namespace onmal {

// How far a model is from the base model it was made from (by quantising, say), over the next-token
// distributions of a text.
struct Divergence {
  Score model, base;  // negative log-likelihood of the text
  double mean = 0;    // Kullback–Leibler divergence of base from model a token, nats
  double p99 = 0;     // that 99 of 100 tokens stay below
  double largest = 0;
  double top1_agreement = 0;  // share of tokens with the same likeliest token
};

// As score_tokens, with both models run side by side; of their logits no more than 64 rows exist at
// a time. Throws Error(kInvalidArgument) when the vocabularies differ in size.
Divergence compare_models(const LanguageModel& model, const LanguageModel& base, ThreadPool& pool,
                          std::span<const int32_t> ids, const ScoreOptions& options,
                          FunctionRef<void(int64_t)> progress, const std::stop_token& stop = {});

}  // namespace onmal

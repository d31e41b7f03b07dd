#pragma once

#include <cstdint>
#include <vector>

#include "infer/generator.h"
#include "models/language_model.h"

namespace onmal {

// What all that write answers token by token have in common.

// Of logits; a vocabulary padded beyond the tokenizer's has rows that stand for no text.
int64_t text_vocabulary(const LanguageModel& model);
// Whether the token ends an answer: one of options.stop_ids or, unless those are ignored, of the
// model's own end tokens.
bool ends_answer(const LanguageModel& model, const GenerateOptions& options, int32_t id);
// All tokens that may end an answer held to a constraint.
std::vector<int32_t> end_ids(const LanguageModel& model, const GenerateOptions& options);
// Most tokens of a sequence: what the options ask for, never more than the model's own context.
// Throws Error(kInvalidArgument) for a negative context or an empty prefill_chunk.
int64_t context_of(const LanguageModel& model, const GeneratorOptions& options);
// Throws Error(kResource) saying by how many tokens the context is exceeded.
void require_fits(int64_t tokens, int64_t context);
// 0 where no time has passed.
double tokens_per_second(int64_t tokens, double seconds);
// The answer was broken off by a limit or a stop request.
bool is_cut(FinishReason reason);

}  // namespace onmal

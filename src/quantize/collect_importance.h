#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "models/language_model.h"
#include "quantize/importance.h"

namespace onmal {

struct CollectOptions {
  int64_t chunk_tokens = 512;  // seen at once, each chunk on its own
  int64_t most_chunks = 0;     // 0: all of the text
  std::string dataset;         // noted in the result
};

// Runs the model over `ids` (cut into chunks; a begin token, where the model has one, stands before
// each) and adds up the squared inputs of every linear layer, under the weights' names in GGUF
// files. The head is left out, as llama.cpp does: its input is normed. `progress` gets the tokens
// done. Throws Error(kCancelled) when stopped, kInvalidArgument without tokens, kNumeric when
// activations are not finite, kUnsupported for an architecture without names in GGUF.
ImportanceMatrix collect_importance(const LanguageModel& model, std::span<const int32_t> ids,
                                    const CollectOptions& options, ThreadPool& pool,
                                    FunctionRef<void(int64_t)> progress,
                                    const std::stop_token& stop = {});

}  // namespace onmal

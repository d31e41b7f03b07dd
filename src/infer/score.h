#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "models/language_model.h"

namespace onmal {

struct ScoreOptions {
  MatmulPrecision matmul = MatmulPrecision::kF32;
  int64_t window = 0;  // tokens the model sees at once; 0: its context, at most 2048
  int64_t stride = 0;  // tokens scored per window (the rest is context only); 0: half the window
  // Tokens of a chunk; above 0: instead of sliding windows, chunks that do not overlap, a rest left
  // over, and of each only the second half scored (what llama-perplexity does with -c).
  int64_t chunk = 0;
};

struct Score {
  double negative_log_likelihood = 0;  // natural logarithm, of all scored tokens
  int64_t tokens = 0;                  // that were scored: all but the first
  double perplexity() const;
  double bits_per_byte(int64_t bytes) const;
};

// The windows that a text of `ids` tokens is scored in: body(begin, from, end) for inputs [from,
// end) seen from `begin` on. Throws Error(kInvalidArgument) for fewer than two ids, a window or a
// chunk longer than `context`, or a text shorter than a chunk.
void for_each_window(int64_t ids, int64_t context, const ScoreOptions& options,
                     FunctionRef<void(int64_t begin, int64_t from, int64_t end)> body);

// How well the model foretells ids[1], ids[2], … from what stands before. Windows slide over the
// ids: every token is scored once, and with at least window - stride tokens before it where the
// text has them. Logits exist only a chunk at a time. `progress` gets the tokens done. Throws
// Error(kCancelled) when stopped and Error(kInvalidArgument) for fewer than two ids.
Score score_tokens(const LanguageModel& model, ThreadPool& pool, std::span<const int32_t> ids,
                   const ScoreOptions& options, FunctionRef<void(int64_t)> progress,
                   const std::stop_token& stop = {});

}  // namespace onmal

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "infer/generator.h"

namespace onmal {

struct EngineOptions {
  GeneratorOptions generator;  // of each sequence; prefill_chunk of all. Nothing is speculated
  int64_t most_running = 32;   // sequences that are computed together
  // Tokens whose keys and values are kept, for all sequences and for prompts to come; one context
  // at least. 0: four contexts, or as much as half of the free memory holds.
  int64_t cache_tokens = 0;
  // Where pages of them go that there is no room for, and all in the end; found again by an engine
  // of the same model and options. Empty: nowhere.
  std::filesystem::path cache_folder = {};
  uint64_t cache_folder_bytes = uint64_t{10} << 30;  // most in it
  int64_t most_waiting = 256;                        // requests beyond those
};

struct TokenLogprob {
  int32_t id;
  float logprob;  // natural, of the model's own distribution before any sampler option
};

struct SampledToken {
  int32_t id;
  float logprob = 0;
  std::vector<TokenLogprob> top = {};  // the likeliest, in falling order
};

struct EngineRequest {
  std::vector<int32_t> prompt;
  GenerateOptions options;  // its `constraint` is taken from the next one
  std::shared_ptr<const TextConstraint> constraint = {};
  int top_logprobs = -1;  // likeliest tokens told beside each sampled one; -1: no log-probabilities
  std::string client = {};  // whose turn it is among those that wait
};

// Hears of one request, on the engine's thread: must not wait. Exactly one of on_end and on_error
// comes, and comes last.
class EngineListener {
 public:
  virtual ~EngineListener() = default;
  // Whole characters that became certain (perhaps none), and the tokens sampled since the last
  // call.
  virtual void on_text(std::string_view text, std::span<const SampledToken> tokens) = 0;
  virtual void on_end(const GenerateResult& result) = 0;
  virtual void on_error(const Error& error) = 0;
};

struct EngineStats {
  int64_t waiting = 0;
  int64_t running = 0;
  int64_t prompt_tokens = 0;  // since the start, with those found in a cache
  int64_t cached_tokens = 0;
  int64_t decoded_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
  int64_t passes = 0;     // of the model
  int64_t preempted = 0;  // times that a sequence lost its pages and was computed again
  // Of keys and values, of kPageTokens tokens each:
  int64_t pages = 0;
  int64_t free_pages = 0;
  int64_t kept_pages = 0;  // found again by prompts that begin alike
};

// One thread that owns the use of a model and answers many requests together: each pass of the
// model takes one token of every sequence that writes and a stretch of the prompts that are still
// read, so that the weights are read once for all and a long prompt does not hold up the others.
// Keys and values lie in pages; prompts that begin alike share them, also with answers that have
// ended (engine/scheduler.h). Clients that wait take turns. Thread-safe.
//
// What a request is answered depends on it alone, not on its company: tokens of prompts take the
// kernels for many rows and written ones those for few, whatever stands beside them, and those give
// a row the same bits in any company. These can move a logit by its last bits: pages found of
// an earlier answer, whose tokens were computed as written ones where this request has them in its
// prompt; and a mixture of experts whose weights are not packed (f32, f16, bf16), where the number
// of rows that meet in an expert decides. (So do heads whose size is no multiple of 16, in
// prompts.) A Generator's logits differ by last bits in the same way.
class Engine {
 public:
  using RequestId = uint64_t;

  // The model and the pool must outlive it; nobody else may use the pool.
  Engine(const LanguageModel& model, ThreadPool& pool, const EngineOptions& options = {});
  // Cancels what is under way.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // None when too many wait already. Throws Error(kInvalidArgument) for an empty prompt,
  // Error(kResource) saying by how many tokens it is too long.
  std::optional<RequestId> submit(EngineRequest request, std::shared_ptr<EngineListener> listener);
  // The request ends soon with kCancelled; nothing happens when it has ended.
  void cancel(RequestId id);
  // Takes no more requests and returns when none is left.
  void drain();

  EngineStats stats() const;
  int64_t context() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace onmal

#pragma once

#include <cstdint>
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
  GeneratorOptions generator;  // of each sequence; its speculation is used where one runs alone
  int64_t most_running = 4;  // sequences that are under way together, each with a cache of its own
  int64_t most_waiting = 256;  // requests beyond those
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
};

// One thread that owns the use of a model and answers many requests in turn: each pass gives every
// running sequence one stretch of its prompt or one token, so that a long prompt does not hold up
// the others. A request goes to the free sequence whose cache has most of its prompt. Clients that
// wait take turns. What a request is answered depends on it alone, not on its company. Thread-safe.
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

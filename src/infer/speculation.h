#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "infer/prompt_lookup.h"
#include "infer/sampler.h"
#include "models/language_model.h"
#include "ops/backend.h"

namespace onmal {

class Generator;

struct SpeculationOptions {
  bool lookup = true;                    // guess from repetitions in prompt and answer
  const LanguageModel* draft = nullptr;  // guess with a smaller model of the same vocabulary
  int64_t draft_tokens = 15;             // most guessed at a time; 0: no speculation
  bool adaptive = true;                  // guess fewer or none where that is faster

  bool on() const { return draft_tokens > 0 && (lookup || draft != nullptr); }
};

// How many guesses to check at once: the number that brings most tokens a second, from the share of
// guesses that came true and the time that passes of so many tokens took in this very run. Until
// they are measured, passes are believed cheap, so that they are tried.
class DraftLength {
 public:
  explicit DraftLength(int64_t most) : seconds_(static_cast<size_t>(most) + 2, 0.0) {}

  // Guesses worth checking at an acceptance rate a: of sum_{i<=k} a^i / (seconds(k + 1) + k *
  // seconds_per_guess) the k in [0, most] with the largest.
  int64_t best(double acceptance, double seconds_per_guess, int64_t most) const;
  void measured(int64_t tokens, double seconds);  // of one forward pass
  double seconds(int64_t tokens) const;           // expected

 private:
  std::vector<double> seconds_;  // running means by tokens in the pass; 0: not seen yet
};

// Guesses the next tokens of one sequence, for Generator to verify in one forward pass of several
// tokens. Every token is sampled from the model's own logits by the generator's own sampler, in the
// state it would have without guesses; a guess only decides whether those logits are there already.
// So the text is that of plain decoding, token by token, whatever is guessed and however often:
// exact in distribution for every sampler setting, and the same seed gives the same text (as far as
// the rounding of a pass of several tokens is that of several passes of one). For a guess with
// certainty that is speculative sampling (Leviathan et al., 2023; Chen et al., 2023): accepted with
// probability p(guess), else a draw from the rest. A draft model guesses by a sampler that follows
// the generator's, which meets its choice with probability at least (1 - d) / (1 + d), d the total
// variation distance of the two models (Daliri, Musco & Suresh, 2024).
class Speculator {
 public:
  // Throws Error(kInvalidArgument) for a draft model whose vocabulary differs from the model's.
  Speculator(const LanguageModel& model, ThreadPool& pool, const SpeculationOptions& options,
             MatmulPrecision matmul, int64_t context);
  ~Speculator();

  // A new answer begins behind `prompt`.
  void begin(std::span<const int32_t> prompt, const SamplerOptions& sampler, int64_t vocabulary);
  // Tells the token that was sampled.
  void accept(int32_t id);
  // At most `most` guesses for what `sampler` will choose behind all accepted tokens; often none.
  std::span<const int32_t> guess(const Sampler& sampler, int64_t most);
  // Tells how long the forward pass over one token and `guesses` took.
  void measured(int64_t guesses, double seconds);

 private:
  struct Record {  // of guesses of one kind; older ones count less
    double tried, accepted;
    double rate() const { return accepted / tried; }
  };
  static constexpr size_t kKinds = 7;  // six by match length, and the draft model

  std::span<const int32_t> guess_by_lookup(int64_t most);
  std::span<const int32_t> guess_by_model(const Sampler& sampler, int64_t most);
  int64_t model_guesses(int64_t most);

  SpeculationOptions options_;
  PromptLookup lookup_;
  DraftLength length_;
  std::array<Record, kKinds> records_;
  std::vector<int32_t> guesses_;
  size_t guessed_ = 0;  // of guesses_: how many are being compared with what is sampled
  size_t compared_ = 0;
  size_t kind_ = 0;

  std::unique_ptr<Generator> drafter_;
  std::optional<Sampler> drafter_sampler_;
  int64_t vocabulary_ = 0;
  double drafter_step_seconds_ = 0;
  int64_t pause_ = 0;  // tokens until the draft model is tried again
  int64_t next_pause_ = 0;
};

}  // namespace onmal

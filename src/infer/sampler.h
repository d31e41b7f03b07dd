#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"

namespace onmal {

struct LogitBias {
  int32_t id;
  float bias;  // added to the logit; -infinity forbids the token
};

struct SamplerOptions {
  float temperature = 0.8F;  // 0: always the most likely token
  int64_t top_k = 40;        // 0: off
  float top_p = 0.95F;       // 1: off
  float min_p = 0.0F;        // 0: off
  float repetition_penalty = 1.0F;
  float frequency_penalty = 0.0F;
  float presence_penalty = 0.0F;
  int64_t penalty_window = 64;  // last tokens that the penalties look at, the prompt's included
  uint64_t seed = 0;
  std::vector<LogitBias> logit_bias;

  // Throws Error(kInvalidArgument) naming the option that makes no sense.
  void validate() const;
};

// Chooses the next token from logits. The steps, in this order:
//   1. logit += bias
//   2. penalties for tokens of the window: repetition (Keskar et al., 2019) logit / r if positive,
//      else logit * r; then logit -= frequency * count + presence
//   3. temperature 0: the largest logit, ties to the lowest id. Else logit /= temperature
//   4. top-k: the k largest logits
//   5. top-p (Holtzman et al., 2019): the fewest of those, largest first, whose probabilities
//      (among those) add up to p
//   6. min-p: those at least p times as likely as the likeliest
//   7. a draw from what is left, by its probabilities: an exponential race. One random number a
//      token is the key of a waiting time -ln(u(key, id)) / probability(id); the shortest wins
// Because every id keeps its waiting number whatever the probabilities are, two samplers in the
// same state that see similar logits mostly draw the same token (Daliri, Musco & Suresh, 2024):
// what speculation guesses with. Equal logits count as larger for the lower id. Linear in the
// vocabulary; after construction nothing is allocated on the heap.
class Sampler {
 public:
  Sampler(const SamplerOptions& options, int64_t vocab_size);

  size_t vocab_size() const { return logits_.size(); }
  // Adds a token (of the prompt, or one just sampled) to the window that penalties look at.
  void accept(int32_t id);
  // Takes over the window and the random numbers of a sampler with the same options and vocabulary:
  // both then draw the same tokens from the same logits.
  void follow(const Sampler& other);
  // Throws Error(kNumeric) when a logit is NaN or +infinity or none is finite.
  int32_t sample(std::span<const float> logits);

 private:
  struct Entry {
    float logit;
    int32_t id;
  };
  static bool before(const Entry& a, const Entry& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
  }

  void adjust(std::span<const float> logits);
  void penalize();
  Entry largest() const;
  void keep_top_k();
  void keep_top_p(float largest_logit);
  int32_t draw(const Entry& top);

  SamplerOptions options_;
  Rng rng_;
  std::vector<float> logits_;    // adjusted copy, by id
  std::vector<Entry> entries_;   // candidates, in no order
  std::vector<int32_t> window_;  // ring of recent tokens
  size_t window_next_ = 0;
  std::vector<int32_t> counts_;  // of each token in the window
  Entry last_kept_{};            // candidates are those not behind this one
};

}  // namespace onmal

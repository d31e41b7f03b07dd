#include "infer/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"

namespace onmal {
namespace {

void require(bool condition, const char* option, const char* expected) {
  if (!condition) throw Error(ErrorCode::kInvalidArgument, option, expected);
}

// A number in (0, 1) that belongs to the pair: the finaliser of SplitMix64, twice.
double uniform_of(uint64_t key, uint64_t id) {
  const auto mix = [](uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  };
  const uint64_t bits = mix(mix(key) + (id + 1) * 0x9E3779B97F4A7C15ULL);
  return (static_cast<double>(bits >> 12) + 0.5) * 0x1.0p-52;
}

}  // namespace

void SamplerOptions::validate() const {
  require(temperature >= 0.0F && std::isfinite(temperature), "temperature", "must be 0 or more");
  require(top_k >= 0, "top-k", "must be 0 (off) or more");
  require(top_p > 0.0F && top_p <= 1.0F, "top-p", "must be above 0 and at most 1");
  require(min_p >= 0.0F && min_p <= 1.0F, "min-p", "must be between 0 and 1");
  require(repetition_penalty > 0.0F && std::isfinite(repetition_penalty), "repetition penalty",
          "must be above 0 (1 is off)");
  require(std::isfinite(frequency_penalty), "frequency penalty", "must be a finite number");
  require(std::isfinite(presence_penalty), "presence penalty", "must be a finite number");
  require(penalty_window >= 0 && penalty_window <= (int64_t{1} << 24), "penalty window",
          "must be between 0 and 16777216");
}

Sampler::Sampler(const SamplerOptions& options, int64_t vocab_size)
    : options_(options), rng_(options.seed) {
  options_.validate();
  require(vocab_size > 0, "sampler", "needs a vocabulary");
  for (const LogitBias& bias : options_.logit_bias) {
    require(bias.id >= 0 && bias.id < vocab_size, "logit bias",
            "names a token that does not exist");
    require(!std::isnan(bias.bias) && bias.bias < std::numeric_limits<float>::infinity(),
            "logit bias", "must be a number below infinity");
  }
  const auto size = static_cast<size_t>(vocab_size);
  logits_.resize(size);
  entries_.reserve(size);
  counts_.resize(size);
  const bool penalizes = options_.repetition_penalty != 1.0F ||
                         options_.frequency_penalty != 0.0F || options_.presence_penalty != 0.0F;
  window_.assign(penalizes ? static_cast<size_t>(options_.penalty_window) : 0, -1);
}

void Sampler::accept(int32_t id) {
  if (window_.empty() || id < 0 || static_cast<size_t>(id) >= counts_.size()) return;
  int32_t& oldest = window_[window_next_];
  if (oldest >= 0) --counts_[static_cast<size_t>(oldest)];
  oldest = id;
  ++counts_[static_cast<size_t>(id)];
  window_next_ = (window_next_ + 1) % window_.size();
}

void Sampler::follow(const Sampler& other) {
  ONMAL_ASSERT(logits_.size() == other.logits_.size() && window_.size() == other.window_.size());
  rng_ = other.rng_;
  if (window_.empty()) return;
  window_next_ = other.window_next_;
  std::copy(other.window_.begin(), other.window_.end(), window_.begin());
  std::copy(other.counts_.begin(), other.counts_.end(), counts_.begin());
}

int32_t Sampler::sample(std::span<const float> logits) {
  ONMAL_ASSERT(logits.size() == logits_.size());
  adjust(logits);
  const Entry top = largest();
  if (options_.temperature == 0.0F) return top.id;
  last_kept_ = {-std::numeric_limits<float>::infinity(), std::numeric_limits<int32_t>::max()};
  const bool limits_count =
      options_.top_k > 0 && options_.top_k < static_cast<int64_t>(logits_.size());
  if (limits_count || options_.top_p < 1.0F) {
    entries_.clear();
    for (size_t i = 0; i < logits_.size(); ++i) {
      entries_.push_back({logits_[i], static_cast<int32_t>(i)});
    }
    if (limits_count) keep_top_k();
    if (options_.top_p < 1.0F) keep_top_p(top.logit);
  }
  return draw(top);
}

void Sampler::adjust(std::span<const float> logits) {
  std::copy(logits.begin(), logits.end(), logits_.begin());
  for (const LogitBias& bias : options_.logit_bias) {
    logits_[static_cast<size_t>(bias.id)] += bias.bias;
  }
  if (!window_.empty()) penalize();
  if (options_.temperature == 0.0F || options_.temperature == 1.0F) return;
  const float factor = 1.0F / options_.temperature;
  // A tiny temperature must not turn large logits into infinities.
  if (!std::isfinite(factor)) {
    options_.temperature = 0.0F;
    return;
  }
  const float top = *std::max_element(logits_.begin(), logits_.end());
  if (!std::isfinite(top)) return;  // largest() says so
  for (float& logit : logits_) logit = (logit - top) * factor;
}

void Sampler::penalize() {
  for (size_t i = 0; i < logits_.size(); ++i) {
    if (counts_[i] == 0) continue;
    float& logit = logits_[i];
    logit =
        logit > 0.0F ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
    logit -=
        options_.frequency_penalty * static_cast<float>(counts_[i]) + options_.presence_penalty;
  }
}

Sampler::Entry Sampler::largest() const {
  Entry top{-std::numeric_limits<float>::infinity(), -1};
  bool sane = true;
  for (size_t i = 0; i < logits_.size(); ++i) {
    // False for NaN and +infinity.
    sane = sane && logits_[i] <= std::numeric_limits<float>::max();
    if (logits_[i] > top.logit) top = {logits_[i], static_cast<int32_t>(i)};
  }
  if (!sane || top.id < 0) {
    throw Error(ErrorCode::kNumeric, "sampling",
                sane ? "every token is forbidden" : "the model gave a logit that is not a number",
                sane ? "allow some tokens" : "the model file may be damaged");
  }
  return top;
}

void Sampler::keep_top_k() {
  const auto last = entries_.begin() + (options_.top_k - 1);
  std::nth_element(entries_.begin(), last, entries_.end(), before);
  last_kept_ = *last;
  entries_.resize(static_cast<size_t>(options_.top_k));
}

// Quickselect by mass: each round splits the range at its median, looks at the mass of the larger
// half and goes on in the half where the sum crosses p. Halving makes it linear.
void Sampler::keep_top_p(float largest_logit) {
  const auto mass_of = [&](auto begin, auto end) {
    double mass = 0.0;
    for (auto entry = begin; entry != end; ++entry) {
      mass += static_cast<double>(std::exp(entry->logit - largest_logit));
    }
    return mass;
  };
  auto begin = entries_.begin();
  auto end = entries_.end();
  double wanted = static_cast<double>(options_.top_p) * mass_of(begin, end);
  while (end - begin > 1) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, before);
    const double mass = mass_of(begin, middle);
    if (mass >= wanted) {
      end = middle;
    } else {
      wanted -= mass;
      begin = middle;
    }
  }
  last_kept_ = *begin;
}

// The winner of the race has id i with probability p(i) (the least of exponential times is each by
// its rate). Most times need no logarithm, since -ln(u) >= 1 - u.
int32_t Sampler::draw(const Entry& top) {
  const float least = options_.min_p > 0.0F ? top.logit + std::log(options_.min_p)
                                            : -std::numeric_limits<float>::infinity();
  const uint64_t key = rng_.next();
  double shortest = std::numeric_limits<double>::infinity();
  int32_t winner = top.id;
  for (size_t i = 0; i < logits_.size(); ++i) {
    const Entry entry{logits_[i], static_cast<int32_t>(i)};
    if (before(last_kept_, entry) || entry.logit < least) continue;
    const double weight = std::exp(static_cast<double>(entry.logit - top.logit));
    const double uniform = uniform_of(key, static_cast<uint64_t>(i));
    if (1.0 - uniform >= shortest * weight) continue;
    const double time = -std::log(uniform) / weight;
    if (time >= shortest) continue;
    shortest = time;
    winner = entry.id;
  }
  return winner;
}

}  // namespace onmal

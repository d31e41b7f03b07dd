#include "infer/speculation.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/timer.h"
#include "infer/generator.h"

namespace onmal {
namespace {

constexpr double kBelievedCostOfAToken = 0.1;  // of a further token in a pass, in passes of one
constexpr double kNewTime = 0.25;              // weight of the latest time in its running mean
constexpr double kMemory = 0.97;               // of a record, at each comparison
constexpr size_t kModelKind = 6;
constexpr int64_t kShortestPause = 16;
constexpr int64_t kLongestPause = 512;

// Longer matches come true more often; the records that runs begin with.
size_t kind_of(int64_t match_length) {
  constexpr std::array<int64_t, 5> kBegins = {3, 4, 6, 10, 20};
  const auto above = std::upper_bound(kBegins.begin(), kBegins.end(), match_length);
  return static_cast<size_t>(above - kBegins.begin());
}
constexpr std::array<double, kModelKind + 1> kBelievedRates = {0.3,  0.45, 0.6, 0.75,
                                                               0.85, 0.9,  0.7};
constexpr double kBelievedTries = 6;

int64_t usable_vocabulary(const LanguageModel& model) {
  return std::min(model.decoder->config().vocab_size, model.tokenizer->vocab_size());
}

void check_same_vocabulary(const LanguageModel& model, const LanguageModel& draft) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kInvalidArgument, draft.path.string(),
                "cannot guess for " + model.path.string() + ": " + what,
                "use a draft model with the same tokenizer");
  };
  if (model.tokenizer == nullptr || draft.tokenizer == nullptr) fail("a tokenizer is missing");
  const int64_t size = usable_vocabulary(model);
  if (size != usable_vocabulary(draft)) {
    fail("its vocabulary has " + std::to_string(usable_vocabulary(draft)) + " tokens, not " +
         std::to_string(size));
  }
  for (int64_t i = 0; i < size; ++i) {
    const auto id = static_cast<int32_t>(i);
    if (model.tokenizer->piece(id) != draft.tokenizer->piece(id))
      fail("token " + std::to_string(id) + " stands for another text in its vocabulary");
  }
}

}  // namespace

int64_t DraftLength::best(double acceptance, double seconds_per_guess, int64_t most) const {
  const int64_t longest = std::min(most, static_cast<int64_t>(seconds_.size()) - 2);
  int64_t best = 0;
  double best_rate = 0;
  double tokens = 0;  // expected
  double reached = 1;
  for (int64_t k = 0; k <= longest; ++k) {
    tokens += reached;
    reached *= acceptance;
    const double rate = tokens / (seconds(k + 1) + static_cast<double>(k) * seconds_per_guess);
    if (rate <= best_rate) continue;
    best = k;
    best_rate = rate;
  }
  return best;
}

void DraftLength::measured(int64_t tokens, double seconds) {
  double& mean = seconds_[static_cast<size_t>(tokens)];
  mean = mean == 0 ? seconds : mean + kNewTime * (seconds - mean);
}

double DraftLength::seconds(int64_t tokens) const {
  const auto at = static_cast<size_t>(tokens);
  if (seconds_[at] > 0) return seconds_[at];
  const double one = seconds_[1] > 0 ? seconds_[1] : 1.0;
  size_t below = at;
  while (below > 1 && seconds_[below] == 0) --below;
  const double start = seconds_[below] > 0 ? seconds_[below] : one;
  const double grown = start + one * kBelievedCostOfAToken * static_cast<double>(at - below);
  for (size_t above = at + 1; above < seconds_.size(); ++above) {
    if (seconds_[above] > 0) return std::min(grown, std::max(start, seconds_[above]));
  }
  return grown;
}

Speculator::Speculator(const LanguageModel& model, ThreadPool& pool,
                       const SpeculationOptions& options, MatmulPrecision matmul, int64_t context)
    : options_(options),
      lookup_(context + 1),
      length_(options.draft_tokens),
      guesses_(static_cast<size_t>(options.draft_tokens)) {
  for (size_t kind = 0; kind < kKinds; ++kind) {
    records_[kind] = {kBelievedTries, kBelievedTries * kBelievedRates[kind]};
  }
  if (options_.draft == nullptr) return;
  check_same_vocabulary(model, *options_.draft);
  GeneratorOptions drafting;
  drafting.matmul = matmul;
  drafting.context = context;
  drafting.speculation.draft_tokens = 0;
  drafter_ = std::make_unique<Generator>(*options_.draft, pool, drafting);
}

Speculator::~Speculator() = default;

void Speculator::begin(std::span<const int32_t> prompt, const SamplerOptions& sampler,
                       int64_t vocabulary) {
  lookup_.clear();
  guessed_ = compared_ = 0;
  pause_ = 0;
  next_pause_ = kShortestPause;
  for (const int32_t id : prompt) lookup_.append(id);
  vocabulary_ = vocabulary;
  if (drafter_ != nullptr) drafter_sampler_.emplace(sampler, vocabulary);
}

void Speculator::accept(int32_t id) {
  lookup_.append(id);
  if (pause_ > 0) --pause_;
  if (compared_ == guessed_) return;
  Record& record = records_[kind_];
  const bool right = guesses_[compared_++] == id;
  if (!right) guessed_ = compared_;
  record.tried = kMemory * record.tried + 1;
  record.accepted = kMemory * record.accepted + (right ? 1 : 0);
}

std::span<const int32_t> Speculator::guess(const Sampler& sampler, int64_t most) {
  guessed_ = compared_ = 0;
  most = std::min(most, options_.draft_tokens);
  if (most <= 0) return {};
  const std::span<const int32_t> found = guess_by_lookup(most);
  return found.empty() && drafter_ != nullptr ? guess_by_model(sampler, most) : found;
}

// A guess that is not worth checking is still compared with what is sampled, which costs nothing:
// so guessing begins again where the text begins to repeat itself.
std::span<const int32_t> Speculator::guess_by_lookup(int64_t most) {
  if (!options_.lookup) return {};
  const PromptLookup::Match match = lookup_.find();
  if (match.length == 0) return {};
  kind_ = kind_of(match.length);
  const int64_t count = options_.adaptive ? length_.best(records_[kind_].rate(), 0.0, most) : most;
  guessed_ = static_cast<size_t>(std::max<int64_t>(count, 1));
  lookup_.copy(match, std::span(guesses_).first(guessed_));
  return std::span(guesses_).first(static_cast<size_t>(count));
}

// The draft model's guesses cost time even when they are not checked: after a while without profit
// it rests, longer each time.
int64_t Speculator::model_guesses(int64_t most) {
  if (!options_.adaptive) return most;
  if (pause_ > 0) return 0;
  const int64_t count = length_.best(records_[kModelKind].rate(), drafter_step_seconds_, most);
  if (count > 0) {
    next_pause_ = kShortestPause;
    return count;
  }
  pause_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kLongestPause);
  return 1;  // to see whether it has got better
}

std::span<const int32_t> Speculator::guess_by_model(const Sampler& sampler, int64_t most) {
  const auto held = static_cast<int64_t>(lookup_.ids().size());
  most = std::min(most, drafter_->context() - held);
  if (most <= 0) return {};
  const int64_t count = model_guesses(most);
  if (count == 0) return {};
  drafter_sampler_->follow(sampler);
  std::span<const float> logits = drafter_->prefill(lookup_.ids());
  const Timer timer;
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0) logits = drafter_->step(guesses_[static_cast<size_t>(i - 1)]);
    const int32_t id = drafter_sampler_->sample(logits.first(static_cast<size_t>(vocabulary_)));
    drafter_sampler_->accept(id);
    guesses_[static_cast<size_t>(i)] = id;
  }
  if (count > 1) drafter_step_seconds_ = timer.seconds() / static_cast<double>(count - 1);
  kind_ = kModelKind;
  guessed_ = static_cast<size_t>(count);
  return std::span(guesses_).first(guessed_);
}

void Speculator::measured(int64_t guesses, double seconds) {
  length_.measured(guesses + 1, seconds);
}

}  // namespace onmal

#include "infer/beam_search.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"

namespace onmal {
namespace {

struct Candidate {
  double log_probability;
  int64_t row;
  int32_t id;
};

// Better first; ties by row and id, so that a run can be repeated.
bool better(const Candidate& a, const Candidate& b) {
  if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
  return a.row != b.row ? a.row < b.row : a.id < b.id;
}

struct Hypothesis {
  std::vector<int32_t> ids;
  double log_probability = 0;
};

bool contains(const std::vector<int32_t>& ids, int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

class Search {
 public:
  Search(Exec& exec, const EncoderDecoder& network, const BeamOptions& options, Tensor source)
      : exec_(exec),
        network_(network),
        options_(options),
        source_(std::move(source)),
        cache_(network.make_cache(*exec.memory, options.beams, options.max_tokens)),
        live_(1),
        wanted_(static_cast<size_t>(options.beams) * (1 + network.config().end_ids.size())) {}

  BeamResult run(const std::stop_token& stop) {
    for (int64_t length = 1; length <= options_.max_tokens; ++length) {
      if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "generate", "stopped");
      const std::vector<Candidate> candidates = continuations();
      if (candidates.empty()) break;
      advance(candidates, length);
      if (done(candidates.front(), length)) break;
      if (live_.empty()) break;
    }
    // Those that were cut count too, unless enough have ended.
    if (finished_.size() < static_cast<size_t>(options_.beams)) {
      for (const Hypothesis& hypothesis : live_)
        finish(hypothesis, static_cast<int64_t>(hypothesis.ids.size()), false);
    }
    return finished_.empty() ? BeamResult{} : finished_.front();
  }

 private:
  // The best continuations of the live hypotheses, best first.
  std::vector<Candidate> continuations() {
    const auto beams = options_.beams;
    Tensor ids = Tensor::empty(*exec_.memory, Shape{beams, 1}, DType::kI32);
    for (int64_t row = 0; row < beams; ++row) {
      const Hypothesis& hypothesis = live_[row < rows() ? static_cast<size_t>(row) : 0];
      ids.i32()[row] = hypothesis.ids.empty() ? network_.config().start_id : hypothesis.ids.back();
    }
    const Tensor hidden = network_.decode(exec_, ids, source_, {}, &cache_);
    const Tensor logits = network_.logits(exec_, hidden.reshaped(Shape{beams, hidden.dim(2)}));
    std::vector<Candidate> all;
    for (int64_t row = 0; row < rows(); ++row) add_best_of_row(logits, row, all);
    std::sort(all.begin(), all.end(), better);
    if (all.size() > wanted_) all.resize(wanted_);
    return all;
  }

  void add_best_of_row(const Tensor& logits, int64_t row, std::vector<Candidate>& all) const {
    const int64_t count = logits.dim(1);
    const float* values = logits.f32() + row * count;
    const auto largest = static_cast<double>(*std::max_element(values, values + count));
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(values[i]) - largest);
    const double base = live_[static_cast<size_t>(row)].log_probability - largest - std::log(sum);
    if (!std::isfinite(base))
      throw Error(ErrorCode::kNumeric, "generate", "the model's logits are not finite");
    std::vector<Candidate> best;
    for (int64_t i = 0; i < count; ++i) {
      const auto id = static_cast<int32_t>(i);
      if (contains(network_.config().forbidden_ids, id)) continue;
      best.push_back({base + static_cast<double>(values[i]), row, id});
    }
    const size_t kept = std::min(wanted_, best.size());
    std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(kept), best.end(),
                      better);
    all.insert(all.end(), best.begin(), best.begin() + static_cast<std::ptrdiff_t>(kept));
  }

  void advance(const std::vector<Candidate>& candidates, int64_t length) {
    std::vector<Hypothesis> next;
    std::vector<int64_t> rows_of_next;
    const auto beams = static_cast<size_t>(options_.beams);
    for (size_t rank = 0; rank < candidates.size() && next.size() < beams; ++rank) {
      const Candidate& candidate = candidates[rank];
      Hypothesis hypothesis = live_[static_cast<size_t>(candidate.row)];
      hypothesis.log_probability = candidate.log_probability;
      if (contains(network_.config().end_ids, candidate.id)) {
        if (rank < beams) finish(hypothesis, length, true);
        continue;
      }
      hypothesis.ids.push_back(candidate.id);
      next.push_back(std::move(hypothesis));
      rows_of_next.push_back(candidate.row);
    }
    live_ = std::move(next);
    rows_of_next.resize(beams, 0);
    cache_.reorder(rows_of_next);
  }

  void finish(const Hypothesis& hypothesis, int64_t length, bool ended) {
    const double divisor =
        std::pow(static_cast<double>(std::max<int64_t>(length, 1)), options_.length_penalty);
    const BeamResult result{hypothesis.ids, hypothesis.log_probability / divisor, ended};
    const auto place =
        std::find_if(finished_.begin(), finished_.end(),
                     [&](const BeamResult& other) { return result.score > other.score; });
    finished_.insert(place, result);
    if (finished_.size() > static_cast<size_t>(options_.beams)) finished_.pop_back();
  }

  bool done(const Candidate& best, int64_t length) const {
    if (finished_.size() < static_cast<size_t>(options_.beams)) return false;
    return finished_.back().score >=
           best.log_probability / std::pow(static_cast<double>(length), options_.length_penalty);
  }

  int64_t rows() const { return static_cast<int64_t>(live_.size()); }

  Exec& exec_;
  const EncoderDecoder& network_;
  const BeamOptions& options_;
  Tensor source_;
  DecodingCache cache_;
  std::vector<Hypothesis> live_;      // row i of the cache is that of live_[i]
  std::vector<BeamResult> finished_;  // best first
  size_t wanted_;
};

}  // namespace

BeamResult beam_search(Exec exec, const EncoderDecoder& network, std::span<const int32_t> source,
                       const BeamOptions& options, const std::stop_token& stop) {
  const auto require = [](bool condition, const char* what) {
    if (!condition) throw Error(ErrorCode::kInvalidArgument, "generate", what);
  };
  require(!source.empty(), "the source has no tokens");
  require(options.beams >= 1 && options.beams <= 1024, "beams must be 1 to 1024");
  require(options.max_tokens >= 1, "max_tokens must be at least 1");
  require(std::isfinite(options.length_penalty), "the length penalty must be finite");
  exec.tape = nullptr;
  BeamOptions bounded = options;
  bounded.max_tokens = std::min(options.max_tokens, network.config().decoder.max_positions);
  const auto count = static_cast<int64_t>(source.size());
  EncoderInput input;
  input.ids = Tensor::empty(*exec.memory, Shape{1, count}, DType::kI32);
  std::copy(source.begin(), source.end(), input.ids.i32());
  const Tensor hidden = network.encode(exec, input);
  return Search(exec, network, bounded, hidden).run(stop);
}

}  // namespace onmal

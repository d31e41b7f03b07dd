#include "knowledge/dense/vector_index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>

#include "base/error.h"
#include "kernels/codes.h"

namespace onmal {
namespace {

constexpr size_t kBlock = 256;            // rows scored at once
constexpr float kLargestQuery = 4095.0F;  // so that sums fit 32 bits

bool nearer(const VectorHit& a, const VectorHit& b) {
  return a.score > b.score || (a.score == b.score && a.chunk < b.chunk);
}

// Keeps the `count` best of what comes by: at twice as many the worse half goes.
template <typename Value, typename Better>
class Best {
 public:
  Best(size_t count, Better better) : count_(count), better_(better) {}
  // Whether it may still be among the best.
  bool wants(const Value& value) const { return !bar_set_ || better_(value, bar_); }
  void add(const Value& value) {
    values_.push_back(value);
    if (values_.size() >= 2 * count_) cut();
  }
  std::vector<Value> take() {
    if (values_.size() > count_) cut();
    return std::move(values_);
  }

 private:
  void cut() {
    const auto last = values_.begin() + static_cast<std::ptrdiff_t>(count_) - 1;
    std::nth_element(values_.begin(), last, values_.end(), better_);
    bar_ = *last;
    bar_set_ = true;
    values_.resize(count_);
  }

  size_t count_;
  Better better_;
  std::vector<Value> values_;
  Value bar_{};
  bool bar_set_ = false;
};

}  // namespace

// A query as the kernels want it: 13 bits a value, and planes of the bits of a coarser rounding
// (as RaBitQ's, Gao & Long, 2024): q is about step * (2 u - largest), u in [0, largest].
struct VectorIndex::Query {
  Query(std::span<const float> query, size_t words, int bits) {
    float most = 0;
    for (const float value : query) most = std::max(most, std::abs(value));
    scale = most / kLargestQuery;
    if (scale == 0.0F) return;
    values.reserve(query.size());
    for (const float value : query)
      values.push_back(static_cast<int16_t>(std::nearbyint(value / scale)));
    const int32_t largest = (1 << bits) - 1;
    planes.assign(words * static_cast<size_t>(bits + 1), 0);
    for (size_t i = 0; i < query.size(); ++i) {
      const float level = (query[i] / most + 1.0F) / 2.0F * static_cast<float>(largest);
      const auto u = static_cast<uint32_t>(std::clamp<int64_t>(std::lround(level), 0, largest));
      const uint64_t bit = uint64_t{1} << (i % 64);
      for (size_t b = 0; b < static_cast<size_t>(bits); ++b)
        if ((u >> b) & 1U) planes[b * words + i / 64] |= bit;
      planes[static_cast<size_t>(bits) * words + i / 64] |= bit;
    }
    for (int b = 0; b < bits; ++b) weights.push_back(2 << b);
    weights.push_back(-largest);
  }

  float scale = 0;  // 0: nothing is near to it
  std::vector<int16_t> values;
  std::vector<uint64_t> planes;
  std::vector<int32_t> weights;
};

VectorIndex::VectorIndex(int64_t dimensions, const VectorIndexOptions& options)
    : dimensions_(dimensions),
      words_(static_cast<size_t>((dimensions + 63) / 64)),
      options_(options) {
  if (dimensions < 1 || dimensions > kMostVectorDimensions || options.query_bits < 1 ||
      options.query_bits > 7 || options.candidates_per_hit < 1 || options.least_candidates < 1) {
    throw Error(ErrorCode::kInvalidArgument, "vector index",
                std::to_string(dimensions) + " dimensions or its options are out of range");
  }
}

int64_t VectorIndex::size() const {
  const std::shared_lock lock(mutex_);
  return static_cast<int64_t>(chunks_.size());
}

int64_t VectorIndex::bytes() const {
  const std::shared_lock lock(mutex_);
  constexpr size_t kMapEntry = 40;  // a node and its share of the buckets
  return static_cast<int64_t>(values_.capacity() + scales_.capacity() * sizeof(float) +
                              signs_.capacity() * sizeof(uint64_t) +
                              chunks_.capacity() * sizeof(int64_t) + slots_.size() * kMapEntry);
}

void VectorIndex::add(int64_t chunk, const QuantizedVector& vector) {
  if (static_cast<int64_t>(vector.values.size()) != dimensions_) {
    throw Error(ErrorCode::kInvalidArgument, "vector index",
                "a vector has " + std::to_string(vector.values.size()) + " dimensions, not " +
                    std::to_string(dimensions_));
  }
  const std::vector<uint64_t> signs = sign_bits(vector.values);
  const std::unique_lock lock(mutex_);
  const auto found = slots_.find(chunk);
  if (found != slots_.end()) take_out(found->second);
  if (vector.scale == 0.0F) return;
  slots_[chunk] = chunks_.size();
  chunks_.push_back(chunk);
  values_.insert(values_.end(), vector.values.begin(), vector.values.end());
  scales_.push_back(vector.scale);
  signs_.insert(signs_.end(), signs.begin(), signs.end());
}

bool VectorIndex::remove(int64_t chunk) {
  const std::unique_lock lock(mutex_);
  const auto found = slots_.find(chunk);
  if (found == slots_.end()) return false;
  take_out(found->second);
  return true;
}

// The last one moves into the gap.
void VectorIndex::take_out(size_t slot) {
  slots_.erase(chunks_[slot]);
  const size_t last = chunks_.size() - 1;
  if (slot != last) {
    const auto width = static_cast<size_t>(dimensions_);
    chunks_[slot] = chunks_[last];
    scales_[slot] = scales_[last];
    std::copy_n(values_.data() + last * width, width, values_.data() + slot * width);
    std::copy_n(signs_.data() + last * words_, words_, signs_.data() + slot * words_);
    slots_[chunks_[slot]] = slot;
  }
  chunks_.pop_back();
  scales_.pop_back();
  values_.resize(last * static_cast<size_t>(dimensions_));
  signs_.resize(last * words_);
}

bool VectorIndex::contains(int64_t chunk) const {
  const std::shared_lock lock(mutex_);
  return slots_.contains(chunk);
}

std::vector<VectorHit> VectorIndex::scan_all(const Query& query, int64_t k,
                                             FunctionRef<bool(int64_t chunk)> visible) const {
  const kernels::CodeKernels& kernels = kernels::codes(detect_isa());
  Best<VectorHit, decltype(&nearer)> best(static_cast<size_t>(k), &nearer);
  std::array<int32_t, kBlock> sums;
  for (size_t begin = 0; begin < chunks_.size(); begin += kBlock) {
    const size_t count = std::min(kBlock, chunks_.size() - begin);
    kernels.dot(values_.data() + begin * static_cast<size_t>(dimensions_),
                static_cast<int64_t>(count), dimensions_, query.values.data(), sums.data());
    for (size_t i = 0; i < count; ++i) {
      const size_t slot = begin + i;
      const VectorHit hit{chunks_[slot], query.scale * scales_[slot] * static_cast<float>(sums[i])};
      if (best.wants(hit) && visible(hit.chunk)) best.add(hit);
    }
  }
  return best.take();
}

std::vector<size_t> VectorIndex::pick_candidates(const Query& query, size_t count,
                                                 FunctionRef<bool(int64_t chunk)> visible) const {
  struct Candidate {
    int32_t score;
    size_t slot;
  };
  const auto better = [](const Candidate& a, const Candidate& b) { return a.score > b.score; };
  const kernels::CodeKernels& kernels = kernels::codes(detect_isa());
  Best<Candidate, decltype(better)> best(count, better);
  std::array<int32_t, kBlock> scores;
  for (size_t begin = 0; begin < chunks_.size(); begin += kBlock) {
    const size_t rows = std::min(kBlock, chunks_.size() - begin);
    kernels.weigh_bits(signs_.data() + begin * words_, static_cast<int64_t>(rows),
                       static_cast<int64_t>(words_), query.planes.data(), query.weights.data(),
                       static_cast<int64_t>(query.weights.size()), scores.data());
    for (size_t i = 0; i < rows; ++i) {
      const Candidate candidate{scores[i], begin + i};
      if (best.wants(candidate) && visible(chunks_[begin + i])) best.add(candidate);
    }
  }
  std::vector<size_t> slots;
  for (const Candidate& candidate : best.take()) slots.push_back(candidate.slot);
  std::sort(slots.begin(), slots.end());  // memory is read front to back
  return slots;
}

std::vector<VectorHit> VectorIndex::search(std::span<const float> query, int64_t k,
                                           FunctionRef<bool(int64_t chunk)> visible) const {
  if (static_cast<int64_t>(query.size()) != dimensions_) {
    throw Error(ErrorCode::kInvalidArgument, "vector index",
                "the query has " + std::to_string(query.size()) + " dimensions, not " +
                    std::to_string(dimensions_));
  }
  if (!std::all_of(query.begin(), query.end(), [](float x) { return std::isfinite(x); }))
    throw Error(ErrorCode::kNumeric, "vector index", "the query is not finite");
  if (k < 1) return {};
  const Query prepared(query, words_, options_.query_bits);
  if (prepared.scale == 0.0F) return {};
  const std::shared_lock lock(mutex_);
  const auto held = static_cast<int64_t>(chunks_.size());
  k = std::min(k, std::max<int64_t>(held, 1));
  const int64_t wanted = std::max(options_.least_candidates, k * options_.candidates_per_hit);
  std::vector<VectorHit> hits;
  if (held < options_.exact_below || held <= wanted) {
    hits = scan_all(prepared, k, visible);
  } else {
    const kernels::CodeKernels& kernels = kernels::codes(detect_isa());
    for (const size_t slot : pick_candidates(prepared, static_cast<size_t>(wanted), visible)) {
      int32_t sum = 0;
      kernels.dot(values_.data() + slot * static_cast<size_t>(dimensions_), 1, dimensions_,
                  prepared.values.data(), &sum);
      hits.push_back({chunks_[slot], prepared.scale * scales_[slot] * static_cast<float>(sum)});
    }
  }
  std::sort(hits.begin(), hits.end(), nearer);
  if (static_cast<int64_t>(hits.size()) > k) hits.resize(static_cast<size_t>(k));
  return hits;
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ops/attention.h"

namespace onmal {

// What one layer's heads attend to: weights [heads, queries, keys], each row a distribution; 0
// where a mask hides a key.
struct AttentionMap {
  int64_t layer = 0;
  std::vector<int64_t> heads;  // their numbers
  int64_t queries = 0;
  int64_t keys = 0;
  std::vector<float> weights;

  float at(size_t head, int64_t query, int64_t key) const {
    return weights[static_cast<size_t>((static_cast<int64_t>(head) * queries + query) * keys +
                                       key)];
  }
};

// The weights of one call of attention() (batch 0), in double precision from q and k: scale, soft
// cap, bias by distance, causal mask, window, first and last keys as the op has them. `heads`:
// those wanted. q and k must be f32, else throws Error(kUnsupported).
AttentionMap attention_weights(const Tensor& q, const Tensor& k, const AttentionParams& params,
                               const Tensor& first_keys, const std::vector<int64_t>& heads);

// Collects the maps of a forward pass: set it as Exec::attention_observer. Calls are layers in
// order. Throws Error(kResource) beyond `most_bytes` of weights, Error(kInvalidArgument) for a head
// that a layer lacks.
class AttentionCollector : public AttentionObserver {
 public:
  explicit AttentionCollector(std::optional<int64_t> layer = {}, std::optional<int64_t> head = {},
                              uint64_t most_bytes = uint64_t{1} << 30)
      : layer_(layer), head_(head), most_bytes_(most_bytes) {}

  void attended(const Tensor& q, const Tensor& k, const AttentionParams& params,
                const Tensor& first_keys) override;

  int64_t layers() const { return calls_; }  // that ran
  const std::vector<AttentionMap>& maps() const { return maps_; }

 private:
  std::optional<int64_t> layer_;
  std::optional<int64_t> head_;
  uint64_t most_bytes_;
  uint64_t bytes_ = 0;
  int64_t calls_ = 0;
  std::vector<AttentionMap> maps_;
};

}  // namespace onmal

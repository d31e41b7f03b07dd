#pragma once

#include <cstdint>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/cpu.h"
#include "base/function_ref.h"
#include "knowledge/dense/quantized_vector.h"

namespace onmal {

struct VectorHit {
  int64_t chunk = 0;
  float score = 0;  // the dot product: the cosine for vectors of length 1
};

struct VectorIndexOptions {
  int64_t exact_below = 20000;  // vectors: fewer are all compared in full
  // Of the scan over sign bits: max(per_hit * k, least) candidates are compared in full.
  int64_t candidates_per_hit = 20;
  int64_t least_candidates = 1000;
  // The query's values in this scan: 1 bit is the Hamming distance, 2 to 7 keep more of it and take
  // longer, which pays where fewer candidates are wanted (bench/vector_bench).
  int query_bits = 1;
};

// Vectors of chunks in memory: signs to find candidates, bytes to compare them. Exact but for what
// the signs miss; adding and removing cost no more than the vector. Any number of threads may
// search while none, or one, changes it.
class VectorIndex {
 public:
  explicit VectorIndex(int64_t dimensions, const VectorIndexOptions& options = {});

  int64_t dimensions() const { return dimensions_; }
  int64_t size() const;
  int64_t bytes() const;  // of memory, about

  // In place of what the chunk had. A vector of zeros is near to nothing and never found. Throws
  // Error(kInvalidArgument) for another number of dimensions.
  void add(int64_t chunk, const QuantizedVector& vector);
  // Whether the chunk was there.
  bool remove(int64_t chunk);
  bool contains(int64_t chunk) const;

  // At most k visible chunks, the nearest first; ties by chunk number. `visible` must not change
  // the index. None for a query of zeros. Throws as quantize_vector does.
  std::vector<VectorHit> search(std::span<const float> query, int64_t k,
                                FunctionRef<bool(int64_t chunk)> visible) const;

 private:
  struct Query;
  void take_out(size_t slot);
  std::vector<VectorHit> scan_all(const Query& query, int64_t k,
                                  FunctionRef<bool(int64_t chunk)> visible) const;
  std::vector<size_t> pick_candidates(const Query& query, size_t count,
                                      FunctionRef<bool(int64_t chunk)> visible) const;

  int64_t dimensions_;
  size_t words_;
  VectorIndexOptions options_;
  mutable std::shared_mutex mutex_;
  std::vector<int64_t> chunks_;  // by slot
  std::vector<int8_t> values_;   // [slots, dimensions]
  std::vector<float> scales_;    // [slots]
  std::vector<uint64_t> signs_;  // [slots, words]
  std::unordered_map<int64_t, size_t> slots_;
};

}  // namespace onmal

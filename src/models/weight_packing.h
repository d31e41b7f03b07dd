#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/thread_pool.h"
#include "models/decoder.h"
#include "ops/packed_weights.h"
#include "tensor/allocators.h"

namespace onmal {

// How many sequences a packing's weights are read for at a time.
enum class PackedFor : uint8_t {
  kOne,   // whole bytes (q8_0) stay as stored: they are read as fast there, and need no copy made
  kMany,  // all: many rows at a time read panels twice as fast
};

// A decoder's weights in the order that a backend's integer kernels read best: made by the first
// that asks, shared by all that generate with the model. Thread-safe.
class WeightPacking {
 public:
  // `is_mapped`: what was packed of a mapped file need not stay in memory as well. The weights must
  // not change afterwards.
  std::shared_ptr<const PackedWeights> get(Decoder& decoder, bool is_mapped, const Backend& backend,
                                           ThreadPool& pool, PackedFor sequences);

 private:
  struct Entry {
    const kernels::Int8Kernels* kernels;
    bool whole_bytes;  // packed as well
    std::shared_ptr<const PackedWeights> weights;
  };
  std::mutex mutex_;
  HeapAllocator memory_;  // declared first: outlives what lies in it
  std::vector<Entry> entries_;
};

}  // namespace onmal

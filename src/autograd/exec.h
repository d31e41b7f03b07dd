#pragma once

#include <cstdint>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "tensor/storage.h"

namespace onmal {

class AttentionObserver;  // ops/attention.h
class LinearObserver;     // ops/linear.h
class PackedWeights;      // ops/packed_weights.h
class Tape;
struct Backend;  // the device's table of ops (ops/backend.h); opaque at this floor

// The arithmetic of matrix products. kBf16 rounds both operands of large ones to bf16 and adds up
// in f32. kInt8 rounds the activations that meet quantised weights to 8 bits, one scale for 32
// values, and multiplies integers; f16 and bf16 weights that meet many rows and no gradient are
// rounded to 14 bits with them where the processor gains by it; other weights as kF32.
enum class MatmulPrecision : uint8_t { kF32, kBf16, kInt8 };

// Everything an op needs and must not look up for itself: passed in, never found.
// tape == nullptr: nothing is recorded, and with an Arena as memory a repeated step allocates
// nothing.
struct Exec {
  ThreadPool* pool = nullptr;
  Allocator* memory = nullptr;  // outputs and scratch
  const Backend* backend = nullptr;
  Tape* tape = nullptr;
  Rng* rng = nullptr;
  MatmulPrecision matmul_precision = MatmulPrecision::kF32;
  LinearObserver* observer = nullptr;               // told of every linear map's input
  const PackedWeights* packed = nullptr;            // weights that stand ready in another order
  AttentionObserver* attention_observer = nullptr;  // told of every attention's q and k
  // With 0 or more, the first so many rows of every linear map take the kernels for few rows and
  // those behind them the ones for many, whatever their numbers: what a row becomes then does not
  // depend on the rows beside it.
  int64_t separate_rows = -1;
};

}  // namespace onmal

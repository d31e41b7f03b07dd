#pragma once

#include <cstdint>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "tensor/storage.h"

namespace onmal {

class LinearObserver;  // ops/linear.h
class Tape;
struct Backend;  // the device's table of ops (ops/backend.h); opaque at this floor

// The arithmetic of large matrix products. kBf16 rounds both operands to bf16 and adds up in f32.
enum class MatmulPrecision : uint8_t { kF32, kBf16 };

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
  LinearObserver* observer = nullptr;  // told of every linear map's input
};

}  // namespace onmal

#pragma once

#include <cstdint>

#include "base/cpu.h"

namespace onmal::kernels {

// The loops of searching vectors stored as bytes and as sign bits.
struct CodeKernels {
  // out[i] = sum over j of rows[i * width + j] * query[j]. |query| <= 4095 and width <= 4096 keep
  // the sums in range.
  void (*dot)(const int8_t* rows, int64_t count, int64_t width, const int16_t* query, int32_t* out);
  // out[i] = sum over p of weights[p] * (bits set in both row i and plane p); rows [count, words],
  // planes [plane_count, words].
  void (*weigh_bits)(const uint64_t* rows, int64_t count, int64_t words, const uint64_t* planes,
                     const int32_t* weights, int64_t plane_count, int32_t* out);
};

// Of `isa`, or of the strongest one below it that was compiled and that this processor runs.
const CodeKernels& codes(Isa isa);

}  // namespace onmal::kernels

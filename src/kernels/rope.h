#pragma once

#include <cstdint>

namespace onmal::kernels {

struct RopeKernels {
  // One token: `heads` vectors of head_dim values one behind the other; the first 2 * half of each
  // are rotated by cosines[half], sines[half] (sines negated for the inverse). out may be x.
  void (*rotate_halves)(const float* x, const float* cosines, const float* sines, float sign,
                        int64_t heads, int64_t head_dim, int64_t half, float* out);
  void (*rotate_interleaved)(const float* x, const float* cosines, const float* sines, float sign,
                             int64_t heads, int64_t head_dim, int64_t half, float* out);
};

}  // namespace onmal::kernels

#include "kernels/rope.h"

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

void rotate_halves(const float* x, const float* cosines, const float* sines, float sign,
                   int64_t heads, int64_t head_dim, int64_t half, float* out) {
  const Vec signs = Vec::all(sign);
  for (int64_t h = 0; h < heads; ++h, x += head_dim, out += head_dim) {
    int64_t i = 0;
    for (; i + Vec::kWidth <= half; i += Vec::kWidth) {
      const Vec c = Vec::load(cosines + i);
      const Vec s = signs * Vec::load(sines + i);
      const Vec first = Vec::load(x + i);
      const Vec second = Vec::load(x + half + i);
      (first * c - second * s).store(out + i);
      (first * s + second * c).store(out + half + i);
    }
    for (; i < half; ++i) {
      const float s = sign * sines[i];
      const float first = x[i];
      const float second = x[half + i];
      out[i] = first * cosines[i] - second * s;
      out[half + i] = first * s + second * cosines[i];
    }
    for (int64_t d = 2 * half; d < head_dim; ++d) out[d] = x[d];
  }
}

void rotate_interleaved(const float* x, const float* cosines, const float* sines, float sign,
                        int64_t heads, int64_t head_dim, int64_t half, float* out) {
  for (int64_t h = 0; h < heads; ++h, x += head_dim, out += head_dim) {
    for (int64_t i = 0; i < half; ++i) {
      const float s = sign * sines[i];
      const float first = x[2 * i];
      const float second = x[2 * i + 1];
      out[2 * i] = first * cosines[i] - second * s;
      out[2 * i + 1] = first * s + second * cosines[i];
    }
    for (int64_t d = 2 * half; d < head_dim; ++d) out[d] = x[d];
  }
}

}  // namespace

extern const RopeKernels kRope;
const RopeKernels kRope = {rotate_halves, rotate_interleaved};

}  // namespace onmal::kernels::ONMAL_ISA

#pragma once

#include <cstdint>

namespace onmal::kernels {

struct SoftmaxKernels {
  // One row of logits (soft-capped in place when softcap > 0): returns ln(sum e^logit) -
  // logit[target]. When gradient_scale is not 0, the row becomes (softmax - onehot(target)) *
  // gradient_scale (* the soft cap's slope).
  float (*cross_entropy_row)(float* logits, int64_t count, int64_t target, float softcap,
                             float gradient_scale);
  // ln(sum of e^x).
  float (*log_sum_exp)(const float* x, int64_t count);
};

}  // namespace onmal::kernels

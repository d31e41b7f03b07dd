#include "kernels/softmax.h"

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

float largest_of(const float* x, int64_t count) {
  Vec largest = Vec::all(-3.402823466e38F);
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) largest = Vec::max(largest, Vec::load(x + i));
  float result = largest.largest();
  for (; i < count; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

// Sum of e^(x - largest) in four independent sums.
float sum_of_exp(const float* x, int64_t count, float largest) {
  const Vec shift = Vec::all(largest);
  Vec sums[4] = {Vec::zero(), Vec::zero(), Vec::zero(), Vec::zero()};
  int64_t i = 0;
  for (; i + 4 * Vec::kWidth <= count; i += 4 * Vec::kWidth) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sums[j] = sums[j] + exp(Vec::load(x + i + j * Vec::kWidth) - shift);
  }
  for (; i + Vec::kWidth <= count; i += Vec::kWidth)
    sums[0] = sums[0] + exp(Vec::load(x + i) - shift);
  float total = ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum();
  for (; i < count; ++i) total += __builtin_expf(x[i] - largest);
  return total;
}

float log_sum_exp(const float* x, int64_t count) {
  const float largest = largest_of(x, count);
  return largest + __builtin_logf(sum_of_exp(x, count, largest));
}

void cap_row(float* logits, int64_t count, float softcap) {
  const Vec cap = Vec::all(softcap);
  const Vec inverse = Vec::all(1.0F / softcap);
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth)
    (cap * tanh(inverse * Vec::load(logits + i))).store(logits + i);
  for (; i < count; ++i) logits[i] = softcap * __builtin_tanhf(logits[i] / softcap);
}

void gradient_row(float* logits, int64_t count, float log_sum, float softcap,
                  float gradient_scale) {
  const Vec shift = Vec::all(log_sum);
  const Vec scale = Vec::all(gradient_scale);
  const Vec one = Vec::all(1.0F);
  const Vec inverse = Vec::all(softcap > 0.0F ? 1.0F / softcap : 0.0F);
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
    const Vec logit = Vec::load(logits + i);
    const Vec bent = logit * inverse;
    (scale * exp(logit - shift) * (one - bent * bent)).store(logits + i);
  }
  for (; i < count; ++i) {
    const float bent = softcap > 0.0F ? logits[i] / softcap : 0.0F;
    logits[i] = gradient_scale * __builtin_expf(logits[i] - log_sum) * (1.0F - bent * bent);
  }
}

float cross_entropy_row(float* logits, int64_t count, int64_t target, float softcap,
                        float gradient_scale) {
  if (softcap > 0.0F) cap_row(logits, count, softcap);
  const float log_sum = log_sum_exp(logits, count);
  const float target_logit = logits[target];
  if (gradient_scale != 0.0F) {
    gradient_row(logits, count, log_sum, softcap, gradient_scale);
    const float bent = softcap > 0.0F ? target_logit / softcap : 0.0F;
    logits[target] -= gradient_scale * (1.0F - bent * bent);
  }
  return log_sum - target_logit;
}

}  // namespace

extern const SoftmaxKernels kSoftmax;
const SoftmaxKernels kSoftmax = {cross_entropy_row, log_sum_exp};

}  // namespace onmal::kernels::ONMAL_ISA

#include "kernels/optimizer.h"

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

void adamw_values(const AdamWStep& step, int64_t begin, int64_t end, const float* gradient,
                  float* parameter, float* first_moment, float* second_moment) {
  const float root = __builtin_sqrtf(step.correction2);
  for (int64_t i = begin; i < end; ++i) {
    const float g = gradient[i] * step.gradient_factor;
    const float m = step.beta1 * first_moment[i] + (1.0F - step.beta1) * g;
    const float v = step.beta2 * second_moment[i] + (1.0F - step.beta2) * g * g;
    const float change = (m / step.correction1) / (__builtin_sqrtf(v) / root + step.epsilon);
    parameter[i] -= step.learning_rate * (change + step.weight_decay * parameter[i]);
    first_moment[i] = m;
    second_moment[i] = v;
  }
}

void adamw(const AdamWStep& step, int64_t count, const float* gradient, float* parameter,
           float* first_moment, float* second_moment) {
  const Vec beta1 = Vec::all(step.beta1);
  const Vec beta2 = Vec::all(step.beta2);
  const Vec rest1 = Vec::all(1.0F - step.beta1);
  const Vec rest2 = Vec::all(1.0F - step.beta2);
  const Vec factor = Vec::all(step.gradient_factor);
  const Vec inverse1 = Vec::all(1.0F / step.correction1);
  const Vec inverse_root = Vec::all(1.0F / __builtin_sqrtf(step.correction2));
  const Vec epsilon = Vec::all(step.epsilon);
  const Vec rate = Vec::all(step.learning_rate);
  const Vec keep = Vec::all(1.0F - step.learning_rate * step.weight_decay);
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
    const Vec g = factor * Vec::load(gradient + i);
    const Vec m = Vec::fma(beta1, Vec::load(first_moment + i), rest1 * g);
    const Vec v = Vec::fma(beta2, Vec::load(second_moment + i), rest2 * g * g);
    const Vec change = (m * inverse1) / Vec::fma(Vec::sqrt(v), inverse_root, epsilon);
    Vec::fma(keep, Vec::load(parameter + i), Vec::zero() - rate * change).store(parameter + i);
    m.store(first_moment + i);
    v.store(second_moment + i);
  }
  adamw_values(step, i, count, gradient, parameter, first_moment, second_moment);
}

double sum_of_squares(const float* x, int64_t count) {
  constexpr int64_t kStretch = 256 * Vec::kWidth;
  double total = 0;
  int64_t i = 0;
  while (i + Vec::kWidth <= count) {
    const int64_t end = i + kStretch < count ? i + kStretch : count;
    Vec sum = Vec::zero();
    for (; i + Vec::kWidth <= end; i += Vec::kWidth)
      sum = Vec::fma(Vec::load(x + i), Vec::load(x + i), sum);
    total += static_cast<double>(sum.sum());
  }
  for (; i < count; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

}  // namespace

extern const OptimizerKernels kOptimizer;
const OptimizerKernels kOptimizer = {adamw, sum_of_squares};

}  // namespace onmal::kernels::ONMAL_ISA

#pragma once

#include <cstdint>

namespace onmal::kernels {

// One AdamW step's constants (Loshchilov & Hutter, 2019).
struct AdamWStep {
  float learning_rate;
  float beta1, beta2;
  float epsilon;
  float weight_decay;
  float correction1, correction2;  // 1 - beta^step
  float gradient_factor;           // clipping
};

struct OptimizerKernels {
  // p -= lr * (weight_decay * p + m_hat / (sqrt(v_hat) + epsilon))
  void (*adamw)(const AdamWStep& step, int64_t count, const float* gradient, float* parameter,
                float* first_moment, float* second_moment);
  // Sum of squares, each vector lane in f32 over at most 4096 values, then in f64.
  double (*sum_of_squares)(const float* x, int64_t count);
};

}  // namespace onmal::kernels

#include <algorithm>
#include <cmath>

#include "ops/cpu/cpu_ops.h"

namespace onmal::cpu {
namespace {

constexpr int64_t kTokensPerTask = 8;

// Softmax of a row into p; returns nothing else: rows are short.
void softmax(const float* logits, int64_t count, float* p) {
  const float largest = *std::max_element(logits, logits + count);
  float sum = 0;
  for (int64_t e = 0; e < count; ++e) sum += p[e] = std::exp(logits[e] - largest);
  for (int64_t e = 0; e < count; ++e) p[e] /= sum;
}

// The largest of p that is not among the `taken` first choices, the first among equals.
int32_t best_left(const float* p, int64_t count, const int32_t* choices, int64_t taken) {
  int32_t best = -1;
  for (int32_t e = 0; e < count; ++e) {
    if (best >= 0 && !(p[e] > p[best])) continue;
    if (std::find(choices, choices + taken, e) == choices + taken) best = e;
  }
  return best;
}

}  // namespace

void route(Exec& exec, const Tensor& logits, bool normalize, const Tensor& experts,
           const Tensor& weights) {
  const int64_t count = logits.dim(1);
  const int64_t per_token = experts.dim(1);
  const Tensor scratch = Tensor::empty(*exec.memory, logits.shape());
  exec.pool->for_blocks(0, logits.dim(0), kTokensPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      float* p = scratch.f32() + m * count;
      int32_t* choices = experts.i32() + m * per_token;
      float* chosen = weights.f32() + m * per_token;
      softmax(logits.f32() + m * count, count, p);
      float sum = 0;
      for (int64_t j = 0; j < per_token; ++j) {
        choices[j] = best_left(p, count, choices, j);
        chosen[j] = p[choices[j]];
        sum += chosen[j];
      }
      if (!normalize) continue;
      for (int64_t j = 0; j < per_token; ++j) chosen[j] /= sum;
    }
  });
}

// See the plain backend for the formula.
void route_backward(Exec& exec, const Tensor& dweights, const Tensor& logits, bool normalize,
                    const Tensor& experts, const Tensor& dlogits, bool accumulate) {
  const int64_t count = logits.dim(1);
  const int64_t per_token = experts.dim(1);
  const Tensor scratch = Tensor::empty(*exec.memory, Shape{logits.dim(0), 2 * count});
  exec.pool->for_blocks(0, logits.dim(0), kTokensPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      float* p = scratch.f32() + m * 2 * count;
      float* dp = p + count;
      const int32_t* choices = experts.i32() + m * per_token;
      const float* upstream = dweights.f32() + m * per_token;
      softmax(logits.f32() + m * count, count, p);
      std::fill_n(dp, count, 0.0F);
      float sum = 0;
      float mean = 0;
      for (int64_t j = 0; j < per_token; ++j) {
        sum += p[choices[j]];
        mean += upstream[j] * p[choices[j]];
      }
      mean = normalize ? mean / sum : 0.0F;
      if (!normalize) sum = 1.0F;
      float dot = 0;
      for (int64_t j = 0; j < per_token; ++j) {
        dp[choices[j]] = (upstream[j] - mean) / sum;
        dot += dp[choices[j]] * p[choices[j]];
      }
      float* target = dlogits.f32() + m * count;
      for (int64_t e = 0; e < count; ++e)
        target[e] = (accumulate ? target[e] : 0.0F) + p[e] * (dp[e] - dot);
    }
  });
}

void combine_experts(Exec& exec, const Tensor& x, const Tensor& weights, const Tensor& slots,
                     const Tensor& out) {
  const kernels::ElementwiseKernels& kernels = *exec.backend->kernels->elementwise;
  const int64_t dim = x.dim(1);
  const int64_t per_token = slots.dim(1);
  exec.pool->for_blocks(0, out.dim(0), kTokensPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      float* row = out.f32() + m * dim;
      for (int64_t j = m * per_token; j < (m + 1) * per_token; ++j) {
        const float* source = x.f32() + slots.i32()[j] * dim;
        if (j == m * per_token) {
          kernels.scale(weights.f32()[j], source, row, dim);
        } else {
          kernels.axpy(weights.f32()[j], source, row, dim);
        }
      }
    }
  });
}

void combine_experts_backward(Exec& exec, const Tensor& dout, const Tensor& x,
                              const Tensor& weights, const Tensor& slots, const Tensor& dx,
                              const Tensor& dweights) {
  const int64_t dim = x.dim(1);
  exec.pool->for_blocks(0, slots.elements(), kTokensPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      const float* upstream = dout.f32() + j / slots.dim(1) * dim;
      const int64_t place = slots.i32()[j] * dim;
      exec.backend->kernels->elementwise->scale(weights.f32()[j], upstream, dx.f32() + place, dim);
      double sum = 0;
      for (int64_t d = 0; d < dim; ++d)
        sum += static_cast<double>(upstream[d]) * static_cast<double>(x.f32()[place + d]);
      dweights.f32()[j] = static_cast<float>(sum);
    }
  });
}

}  // namespace onmal::cpu

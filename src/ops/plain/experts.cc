#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/plain/plain_ops.h"

namespace onmal::plain {
namespace {

std::vector<double> probabilities(const Tensor& logits, int64_t row) {
  const int64_t experts = logits.dim(1);
  std::vector<double> p(static_cast<size_t>(experts));
  double largest = value_at(logits, row * experts);
  for (int64_t e = 1; e < experts; ++e)
    largest = std::max(largest, value_at(logits, row * experts + e));
  double sum = 0;
  for (int64_t e = 0; e < experts; ++e)
    sum += p[static_cast<size_t>(e)] = std::exp(value_at(logits, row * experts + e) - largest);
  for (double& value : p) value /= sum;
  return p;
}

void route(Exec&, const Tensor& logits, bool normalize, const Tensor& experts,
           const Tensor& weights) {
  with_type(weights.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t per_token = experts.dim(1);
    for (int64_t m = 0; m < logits.dim(0); ++m) {
      const std::vector<double> p = probabilities(logits, m);
      std::vector<bool> taken(p.size());
      double sum = 0;
      for (int64_t j = 0; j < per_token; ++j) {
        size_t best = p.size();
        for (size_t e = 0; e < p.size(); ++e) {
          if (!taken[e] && (best == p.size() || p[e] > p[best])) best = e;
        }
        taken[best] = true;
        sum += p[best];
        experts.i32()[m * per_token + j] = static_cast<int32_t>(best);
      }
      for (int64_t j = 0; j < per_token; ++j) {
        const auto e = static_cast<size_t>(experts.i32()[m * per_token + j]);
        weights.data_as<T>()[m * per_token + j] = static_cast<T>(p[e] / (normalize ? sum : 1.0));
      }
    }
  });
}

// With p the softmax, s the sum of the chosen p (1 when not normalised) and w = p / s:
// dL/dp_e = [e chosen] (dw_e - [normalised] sum(dw w)) / s, then through the softmax.
void route_backward(Exec&, const Tensor& dweights, const Tensor& logits, bool normalize,
                    const Tensor& experts, const Tensor& dlogits, bool accumulate) {
  with_type(dlogits.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t per_token = experts.dim(1);
    const int64_t count = logits.dim(1);
    for (int64_t m = 0; m < logits.dim(0); ++m) {
      const std::vector<double> p = probabilities(logits, m);
      std::vector<double> dp(p.size());
      double sum = normalize ? 0.0 : 1.0;
      double mean = 0;
      for (int64_t j = m * per_token; j < (m + 1) * per_token; ++j) {
        const auto e = static_cast<size_t>(experts.i32()[j]);
        if (normalize) sum += p[e];
        mean += value_at(dweights, j) * p[e];
      }
      mean = normalize ? mean / sum : 0.0;
      double dot = 0;
      for (int64_t j = m * per_token; j < (m + 1) * per_token; ++j) {
        const auto e = static_cast<size_t>(experts.i32()[j]);
        dp[e] = (value_at(dweights, j) - mean) / sum;
        dot += dp[e] * p[e];
      }
      for (int64_t e = 0; e < count; ++e) {
        T& target = dlogits.data_as<T>()[m * count + e];
        const auto i = static_cast<size_t>(e);
        target =
            static_cast<T>((accumulate ? static_cast<double>(target) : 0.0) + p[i] * (dp[i] - dot));
      }
    }
  });
}

void combine_experts(Exec&, const Tensor& x, const Tensor& weights, const Tensor& slots,
                     const Tensor& out) {
  with_type(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t dim = x.dim(1);
    const int64_t per_token = slots.dim(1);
    for (int64_t m = 0; m < out.dim(0); ++m) {
      for (int64_t d = 0; d < dim; ++d) {
        double sum = 0;
        for (int64_t j = m * per_token; j < (m + 1) * per_token; ++j)
          sum += value_at(weights, j) * value_at(x, slots.i32()[j] * dim + d);
        out.data_as<T>()[m * dim + d] = static_cast<T>(sum);
      }
    }
  });
}

void combine_experts_backward(Exec&, const Tensor& dout, const Tensor& x, const Tensor& weights,
                              const Tensor& slots, const Tensor& dx, const Tensor& dweights) {
  with_type(dx.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t dim = x.dim(1);
    for (int64_t j = 0; j < slots.elements(); ++j) {
      const int64_t token = j / slots.dim(1);
      const int64_t slot = slots.i32()[j];
      double sum = 0;
      for (int64_t d = 0; d < dim; ++d) {
        const double upstream = value_at(dout, token * dim + d);
        sum += upstream * value_at(x, slot * dim + d);
        dx.data_as<T>()[slot * dim + d] = static_cast<T>(upstream * value_at(weights, j));
      }
      dweights.data_as<T>()[j] = static_cast<T>(sum);
    }
  });
}

}  // namespace

void add_experts(Backend& backend) {
  backend.route = route;
  backend.route_backward = route_backward;
  backend.combine_experts = combine_experts;
  backend.combine_experts_backward = combine_experts_backward;
}

}  // namespace onmal::plain

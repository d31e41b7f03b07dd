#include "kernels/norm.h"

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

// Sum over i of f(vector at i), the tail value by value through g.
template <typename VectorTerm, typename ScalarTerm>
ONMAL_INLINE float sum_over(int64_t count, VectorTerm f, ScalarTerm g) {
  Vec first = Vec::zero();
  Vec second = Vec::zero();
  int64_t i = 0;
  for (; i + 2 * Vec::kWidth <= count; i += 2 * Vec::kWidth) {
    first = first + f(i);
    second = second + f(i + Vec::kWidth);
  }
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) first = first + f(i);
  float total = (first + second).sum();
  for (; i < count; ++i) total += g(i);
  return total;
}

template <typename VectorBody, typename ScalarBody>
ONMAL_INLINE void for_each(int64_t count, VectorBody f, ScalarBody g) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) f(i);
  for (; i < count; ++i) g(i);
}

void rms_norm(const float* x, const float* weight, float epsilon, int64_t rows, int64_t dim,
              float* out, float* inverse_rms) {
  for (int64_t r = 0; r < rows; ++r, x += dim, out += dim) {
    const float squares = sum_over(
        dim, [&](int64_t i) { return Vec::load(x + i) * Vec::load(x + i); },
        [&](int64_t i) { return x[i] * x[i]; });
    const float inverse = 1.0F / __builtin_sqrtf(squares / static_cast<float>(dim) + epsilon);
    const Vec inverses = Vec::all(inverse);
    for_each(
        dim,
        [&](int64_t i) { (Vec::load(x + i) * inverses * Vec::load(weight + i)).store(out + i); },
        [&](int64_t i) { out[i] = x[i] * inverse * weight[i]; });
    if (inverse_rms != nullptr) inverse_rms[r] = inverse;
  }
}

void rms_norm_backward(const float* dout, const float* x, const float* weight,
                       const float* inverse_rms, int64_t rows, int64_t dim, float* dx,
                       bool accumulate, float* dweight) {
  for (int64_t r = 0; r < rows; ++r, x += dim, dout += dim) {
    const float inverse = inverse_rms[r];
    const Vec inverses = Vec::all(inverse);
    if (dx != nullptr) {
      const float dot = sum_over(
          dim,
          [&](int64_t i) { return Vec::load(weight + i) * Vec::load(dout + i) * Vec::load(x + i); },
          [&](int64_t i) { return weight[i] * dout[i] * x[i]; });
      // d/dx = inverse * (w dout - x * inverse^2 * mean(w dout x))
      const float factor = inverse * inverse * dot / static_cast<float>(dim);
      const Vec factors = Vec::all(factor);
      float* target = dx + r * dim;
      for_each(
          dim,
          [&](int64_t i) {
            Vec slope = inverses *
                        (Vec::load(weight + i) * Vec::load(dout + i) - factors * Vec::load(x + i));
            if (accumulate) slope = slope + Vec::load(target + i);
            slope.store(target + i);
          },
          [&](int64_t i) {
            const float slope = inverse * (weight[i] * dout[i] - factor * x[i]);
            target[i] = accumulate ? target[i] + slope : slope;
          });
    }
    if (dweight != nullptr) {
      for_each(
          dim,
          [&](int64_t i) {
            Vec::fma(Vec::load(dout + i), Vec::load(x + i) * inverses, Vec::load(dweight + i))
                .store(dweight + i);
          },
          [&](int64_t i) { dweight[i] += dout[i] * x[i] * inverse; });
    }
  }
}

void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, int64_t rows,
                int64_t dim, float* out, float* mean, float* inverse_deviation) {
  for (int64_t r = 0; r < rows; ++r, x += dim, out += dim) {
    const float sum = sum_over(
        dim, [&](int64_t i) { return Vec::load(x + i); }, [&](int64_t i) { return x[i]; });
    const float middle = sum / static_cast<float>(dim);
    const Vec middles = Vec::all(middle);
    const float squares = sum_over(
        dim,
        [&](int64_t i) {
          const Vec difference = Vec::load(x + i) - middles;
          return difference * difference;
        },
        [&](int64_t i) { return (x[i] - middle) * (x[i] - middle); });
    const float inverse = 1.0F / __builtin_sqrtf(squares / static_cast<float>(dim) + epsilon);
    const Vec inverses = Vec::all(inverse);
    for_each(
        dim,
        [&](int64_t i) {
          const Vec shift = bias == nullptr ? Vec::zero() : Vec::load(bias + i);
          Vec::fma((Vec::load(x + i) - middles) * inverses, Vec::load(weight + i), shift)
              .store(out + i);
        },
        [&](int64_t i) {
          out[i] = (x[i] - middle) * inverse * weight[i] + (bias == nullptr ? 0.0F : bias[i]);
        });
    if (mean != nullptr) mean[r] = middle;
    if (inverse_deviation != nullptr) inverse_deviation[r] = inverse;
  }
}

// One row of dx; y = (x - mean) * inverse, g = weight * dout: inverse * (g - mean(g) - y * mean(g
// y)).
void layer_norm_row_dx(const float* dout, const float* x, const float* weight, float middle,
                       float inverse, int64_t dim, float* target, bool accumulate) {
  const Vec middles = Vec::all(middle);
  const Vec inverses = Vec::all(inverse);
  const float scale = 1.0F / static_cast<float>(dim);
  const float mean_g =
      scale * sum_over(
                  dim, [&](int64_t i) { return Vec::load(weight + i) * Vec::load(dout + i); },
                  [&](int64_t i) { return weight[i] * dout[i]; });
  const float mean_gy =
      scale * inverse *
      sum_over(
          dim,
          [&](int64_t i) {
            return Vec::load(weight + i) * Vec::load(dout + i) * (Vec::load(x + i) - middles);
          },
          [&](int64_t i) { return weight[i] * dout[i] * (x[i] - middle); });
  const Vec means_g = Vec::all(mean_g);
  const Vec means_gy = Vec::all(mean_gy);
  for_each(
      dim,
      [&](int64_t i) {
        const Vec normalized = (Vec::load(x + i) - middles) * inverses;
        Vec slope = inverses *
                    (Vec::load(weight + i) * Vec::load(dout + i) - means_g - normalized * means_gy);
        if (accumulate) slope = slope + Vec::load(target + i);
        slope.store(target + i);
      },
      [&](int64_t i) {
        const float slope =
            inverse * (weight[i] * dout[i] - mean_g - (x[i] - middle) * inverse * mean_gy);
        target[i] = accumulate ? target[i] + slope : slope;
      });
}

void layer_norm_backward(const float* dout, const float* x, const float* weight, const float* mean,
                         const float* inverse_deviation, int64_t rows, int64_t dim, float* dx,
                         bool accumulate, float* dweight, float* dbias) {
  for (int64_t r = 0; r < rows; ++r, x += dim, dout += dim) {
    const float middle = mean[r];
    const float inverse = inverse_deviation[r];
    if (dx != nullptr)
      layer_norm_row_dx(dout, x, weight, middle, inverse, dim, dx + r * dim, accumulate);
    const Vec middles = Vec::all(middle);
    const Vec inverses = Vec::all(inverse);
    if (dweight != nullptr) {
      for_each(
          dim,
          [&](int64_t i) {
            const Vec normalized = (Vec::load(x + i) - middles) * inverses;
            Vec::fma(Vec::load(dout + i), normalized, Vec::load(dweight + i)).store(dweight + i);
          },
          [&](int64_t i) { dweight[i] += dout[i] * (x[i] - middle) * inverse; });
    }
    if (dbias != nullptr) {
      for_each(
          dim, [&](int64_t i) { (Vec::load(dout + i) + Vec::load(dbias + i)).store(dbias + i); },
          [&](int64_t i) { dbias[i] += dout[i]; });
    }
  }
}

}  // namespace

extern const NormKernels kNorm;
const NormKernels kNorm = {rms_norm, rms_norm_backward, layer_norm, layer_norm_backward};

}  // namespace onmal::kernels::ONMAL_ISA

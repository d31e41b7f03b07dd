#include "kernels/activation.h"

#include "kernels/vec.h"

namespace onmal::kernels::ONMAL_ISA {
namespace {

struct ValueAndSlope {
  Vec value;
  Vec slope;
};

struct Silu {
  static ONMAL_INLINE Vec value(Vec x) { return x * sigmoid(x); }
  static ONMAL_INLINE ValueAndSlope both(Vec x) {
    const Vec s = sigmoid(x);
    const Vec value = x * s;
    return {value, Vec::fma(value, Vec::all(1.0F) - s, s)};  // s (1 + x (1 - s))
  }
};

constexpr float kGeluCubic = 0.044715F;
constexpr float kSqrtTwoOverPi = 0.797884560802865F;

struct GeluTanh {
  static ONMAL_INLINE Vec inner_tanh(Vec x) {
    const Vec cubic = Vec::fma(Vec::all(kGeluCubic) * x * x, x, x);
    return tanh(Vec::all(kSqrtTwoOverPi) * cubic);
  }
  static ONMAL_INLINE Vec value(Vec x) {
    return Vec::all(0.5F) * x * (Vec::all(1.0F) + inner_tanh(x));
  }
  static ONMAL_INLINE ValueAndSlope both(Vec x) {
    const Vec one = Vec::all(1.0F);
    const Vec t = inner_tanh(x);
    const Vec half = Vec::all(0.5F) * (one + t);
    const Vec inner_slope =
        Vec::all(kSqrtTwoOverPi) * Vec::fma(Vec::all(3.0F * kGeluCubic), x * x, one);
    return {half * x, Vec::fma(Vec::all(0.5F) * x * (one - t * t), inner_slope, half)};
  }
};

// Phi(x), the normal distribution's cumulative, by erfc's rational form (Abramowitz & Stegun 7.1.26
// has 1.5e-7 absolute error, enough for f32 gradients and values near zero, where the product with
// x makes it small).
struct GeluErf {
  static ONMAL_INLINE Vec density_exp(Vec x) { return exp(Vec::all(-0.5F) * x * x); }
  static ONMAL_INLINE Vec cumulative(Vec x, Vec density) {
    const Vec z = Vec::abs(x) * Vec::all(0.70710678118654752F);
    const Vec t = Vec::all(1.0F) / Vec::fma(Vec::all(0.3275911F), z, Vec::all(1.0F));
    Vec p = Vec::all(1.061405429F);
    p = Vec::fma(p, t, Vec::all(-1.453152027F));
    p = Vec::fma(p, t, Vec::all(1.421413741F));
    p = Vec::fma(p, t, Vec::all(-0.284496736F));
    p = Vec::fma(p, t, Vec::all(0.254829592F));
    const Vec tail = Vec::all(0.5F) * p * t * density;  // Phi(-|x|)
    return Vec::select_less(x, Vec::zero(), tail, Vec::all(1.0F) - tail);
  }
  static ONMAL_INLINE Vec value(Vec x) { return x * cumulative(x, density_exp(x)); }
  static ONMAL_INLINE ValueAndSlope both(Vec x) {
    const Vec density = density_exp(x);
    const Vec phi = cumulative(x, density);
    return {x * phi, Vec::fma(x * density, Vec::all(0.39894228040143268F), phi)};
  }
};

struct Relu {
  static ONMAL_INLINE Vec value(Vec x) { return Vec::max(x, Vec::zero()); }
  static ONMAL_INLINE ValueAndSlope both(Vec x) {
    return {value(x), Vec::select_less(Vec::zero(), x, Vec::all(1.0F), Vec::zero())};
  }
};

// The last, incomplete vector goes through padded copies.
ONMAL_INLINE Vec load_part(const float* x, int64_t count) {
  float padded[Vec::kWidth] = {};
  for (int64_t i = 0; i < count; ++i) padded[i] = x[i];
  return Vec::load(padded);
}

ONMAL_INLINE void store_part(Vec x, float* out, int64_t count) {
  float padded[Vec::kWidth];
  x.store(padded);
  for (int64_t i = 0; i < count; ++i) out[i] = padded[i];
}

template <typename F>
void forward(const float* x, float* out, int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) F::value(Vec::load(x + i)).store(out + i);
  if (i < count) store_part(F::value(load_part(x + i, count - i)), out + i, count - i);
}

template <typename F>
void backward(const float* dout, const float* x, float* dx, int64_t count, bool accumulate) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
    const Vec start = accumulate ? Vec::load(dx + i) : Vec::zero();
    Vec::fma(Vec::load(dout + i), F::both(Vec::load(x + i)).slope, start).store(dx + i);
  }
  if (i < count) {
    const int64_t left = count - i;
    const Vec start = accumulate ? load_part(dx + i, left) : Vec::zero();
    store_part(Vec::fma(load_part(dout + i, left), F::both(load_part(x + i, left)).slope, start),
               dx + i, left);
  }
}

template <typename F>
void gated(const float* gate, const float* up, float* out, int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
    (F::value(Vec::load(gate + i)) * Vec::load(up + i)).store(out + i);
  }
  if (i < count) {
    store_part(F::value(load_part(gate + i, count - i)) * load_part(up + i, count - i), out + i,
               count - i);
  }
}

template <typename F>
void gated_backward(const float* dout, const float* gate, const float* up, float* dgate, float* dup,
                    int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
    const ValueAndSlope f = F::both(Vec::load(gate + i));
    const Vec upstream = Vec::load(dout + i);
    (upstream * Vec::load(up + i) * f.slope).store(dgate + i);
    (upstream * f.value).store(dup + i);
  }
  if (i < count) {
    const int64_t left = count - i;
    const ValueAndSlope f = F::both(load_part(gate + i, left));
    const Vec upstream = load_part(dout + i, left);
    store_part(upstream * load_part(up + i, left) * f.slope, dgate + i, left);
    store_part(upstream * f.value, dup + i, left);
  }
}

template <typename F>
constexpr ActivationLoops loops_of() {
  return {forward<F>, backward<F>, gated<F>, gated_backward<F>};
}

}  // namespace

extern const ActivationKernels kActivation;
const ActivationKernels kActivation = {loops_of<Silu>(), loops_of<GeluTanh>(), loops_of<GeluErf>(),
                                       loops_of<Relu>()};

}  // namespace onmal::kernels::ONMAL_ISA

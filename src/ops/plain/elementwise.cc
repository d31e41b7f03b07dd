#include <cmath>
#include <numbers>

#include "ops/plain/plain_ops.h"

namespace onmal::plain {
namespace {

constexpr double kGeluCubic = 0.044715;

double apply(Activation f, double x) {
  switch (f) {
    case Activation::kSilu:
      return x / (1.0 + std::exp(-x));
    case Activation::kGeluTanh:
      return 0.5 * x *
             (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + kGeluCubic * x * x * x)));
    case Activation::kGeluErf:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
    case Activation::kRelu:
      break;
  }
  return x > 0 ? x : 0.0;
}

double slope(Activation f, double x) {
  switch (f) {
    case Activation::kSilu: {
      const double s = 1.0 / (1.0 + std::exp(-x));
      return s * (1.0 + x * (1.0 - s));
    }
    case Activation::kGeluTanh: {
      const double c = std::sqrt(2.0 / std::numbers::pi);
      const double t = std::tanh(c * (x + kGeluCubic * x * x * x));
      return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * c * (1.0 + 3.0 * kGeluCubic * x * x);
    }
    case Activation::kGeluErf:
      return 0.5 * (1.0 + std::erf(x / std::numbers::sqrt2)) +
             x * std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
    case Activation::kRelu:
      break;
  }
  return x > 0 ? 1.0 : 0.0;
}

template <typename F>
void fill(const Tensor& out, F&& f) {
  with_type(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < out.elements(); ++i) out.data_as<T>()[i] = static_cast<T>(f(i));
  });
}

void add(Exec&, const Tensor& a, const Tensor& b, const Tensor& out) {
  fill(out, [&](int64_t i) { return value_at(a, i) + value_at(b, i); });
}

void scale(Exec&, const Tensor& x, float factor, const Tensor& out) {
  fill(out, [&](int64_t i) { return value_at(x, i) * static_cast<double>(factor); });
}

void activation(Exec&, Activation f, const Tensor& x, const Tensor& out) {
  fill(out, [&](int64_t i) { return apply(f, value_at(x, i)); });
}

void activation_backward(Exec&, Activation f, const Tensor& dout, const Tensor& x, const Tensor& dx,
                         bool accumulate) {
  fill(dx, [&](int64_t i) {
    return (accumulate ? value_at(dx, i) : 0.0) + value_at(dout, i) * slope(f, value_at(x, i));
  });
}

void gated(Exec&, Activation f, const Tensor& gate, const Tensor& up, const Tensor& out) {
  fill(out, [&](int64_t i) { return apply(f, value_at(gate, i)) * value_at(up, i); });
}

void gated_backward(Exec&, Activation f, const Tensor& dout, const Tensor& gate, const Tensor& up,
                    const Tensor& dgate, const Tensor& dup) {
  fill(dgate, [&](int64_t i) {
    return value_at(dout, i) * value_at(up, i) * slope(f, value_at(gate, i));
  });
  fill(dup, [&](int64_t i) { return value_at(dout, i) * apply(f, value_at(gate, i)); });
}

void multiply_rows(Exec&, const Tensor& x, const Tensor& factors, const Tensor& out) {
  fill(out, [&](int64_t i) { return value_at(x, i) * value_at(factors, i % factors.elements()); });
}

void softcap(Exec&, const Tensor& x, float cap, const Tensor& out) {
  const auto c = static_cast<double>(cap);
  fill(out, [&](int64_t i) { return c * std::tanh(value_at(x, i) / c); });
}

void softcap_backward(Exec&, const Tensor& dout, const Tensor& x, float cap, const Tensor& dx,
                      bool accumulate) {
  fill(dx, [&](int64_t i) {
    const double bent = std::tanh(value_at(x, i) / static_cast<double>(cap));
    return (accumulate ? value_at(dx, i) : 0.0) + value_at(dout, i) * (1.0 - bent * bent);
  });
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

void sigmoid_gate(Exec&, const Tensor& x, const Tensor& gate, const Tensor& out) {
  fill(out, [&](int64_t i) { return sigmoid(value_at(gate, i / x.dim(-1))) * value_at(x, i); });
}

void sigmoid_gate_backward(Exec&, const Tensor& dout, const Tensor& x, const Tensor& gate,
                           const Tensor& dx, const Tensor& dgate) {
  const int64_t dim = x.dim(-1);
  fill(dx, [&](int64_t i) { return sigmoid(value_at(gate, i / dim)) * value_at(dout, i); });
  fill(dgate, [&](int64_t r) {
    const double s = sigmoid(value_at(gate, r));
    double sum = 0;
    for (int64_t i = r * dim; i < (r + 1) * dim; ++i) sum += value_at(dout, i) * value_at(x, i);
    return sum * s * (1.0 - s);
  });
}

}  // namespace

void add_elementwise(Backend& backend) {
  backend.add = add;
  backend.scale = scale;
  backend.multiply_rows = multiply_rows;
  backend.softcap = softcap;
  backend.softcap_backward = softcap_backward;
  backend.sigmoid_gate = sigmoid_gate;
  backend.sigmoid_gate_backward = sigmoid_gate_backward;
  backend.activation = activation;
  backend.activation_backward = activation_backward;
  backend.gated = gated;
  backend.gated_backward = gated_backward;
}

}  // namespace onmal::plain

#include <cmath>

#include "ops/plain/plain_ops.h"

namespace onmal::plain {
namespace {

void rms_norm(Exec&, const Tensor& x, const Tensor& weight, float eps, const Tensor& out,
              const Tensor& inverse_rms) {
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t dim = x.dim(-1);
    for (int64_t r = 0; r < x.shape().rows(); ++r) {
      const T* row = x.data_as<T>() + r * dim;
      double squares = 0;
      for (int64_t d = 0; d < dim; ++d)
        squares += static_cast<double>(row[d]) * static_cast<double>(row[d]);
      const double inverse =
          1.0 / std::sqrt(squares / static_cast<double>(dim) + static_cast<double>(eps));
      for (int64_t d = 0; d < dim; ++d) {
        out.data_as<T>()[r * dim + d] =
            static_cast<T>(static_cast<double>(row[d]) * inverse * value_at(weight, d));
      }
      if (inverse_rms.defined()) inverse_rms.data_as<T>()[r] = static_cast<T>(inverse);
    }
  });
}

// With y = x * i, i = 1/rms:  dx = i * (w dout - y * mean(w dout * y)),  dw = sum over rows of dout
// * y.
void rms_norm_backward(Exec&, const Tensor& dout, const Tensor& x, const Tensor& weight,
                       const Tensor& inverse_rms, const Tensor& dx, bool accumulate_dx,
                       const Tensor& dweight, bool accumulate_dweight) {
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t dim = x.dim(-1);
    const int64_t rows = x.shape().rows();
    if (dweight.defined() && !accumulate_dweight) {
      for (int64_t d = 0; d < dim; ++d) dweight.data_as<T>()[d] = T{};
    }
    for (int64_t r = 0; r < rows; ++r) {
      const double inverse = value_at(inverse_rms, r);
      double mean = 0;
      for (int64_t d = 0; d < dim; ++d) {
        mean +=
            value_at(weight, d) * value_at(dout, r * dim + d) * value_at(x, r * dim + d) * inverse;
      }
      mean /= static_cast<double>(dim);
      for (int64_t d = 0; d < dim; ++d) {
        const double normalized = value_at(x, r * dim + d) * inverse;
        const double upstream = value_at(dout, r * dim + d);
        if (dx.defined()) {
          T& target = dx.data_as<T>()[r * dim + d];
          const double slope = inverse * (value_at(weight, d) * upstream - normalized * mean);
          target = static_cast<T>((accumulate_dx ? static_cast<double>(target) : 0.0) + slope);
        }
        if (dweight.defined()) dweight.data_as<T>()[d] += static_cast<T>(upstream * normalized);
      }
    }
  });
}

void layer_norm(Exec&, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps,
                const Tensor& out, const NormSaved& saved) {
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t dim = x.dim(-1);
    for (int64_t r = 0; r < x.shape().rows(); ++r) {
      double mean = 0;
      for (int64_t d = 0; d < dim; ++d) mean += value_at(x, r * dim + d);
      mean /= static_cast<double>(dim);
      double variance = 0;
      for (int64_t d = 0; d < dim; ++d) variance += std::pow(value_at(x, r * dim + d) - mean, 2);
      variance /= static_cast<double>(dim);
      const double inverse = 1.0 / std::sqrt(variance + static_cast<double>(eps));
      for (int64_t d = 0; d < dim; ++d) {
        const int64_t place = r % weight.shape().rows() * dim + d;
        const double shift = bias.defined() ? value_at(bias, place) : 0.0;
        out.data_as<T>()[r * dim + d] = static_cast<T>(
            (value_at(x, r * dim + d) - mean) * inverse * value_at(weight, place) + shift);
      }
      if (saved.mean.defined()) saved.mean.data_as<T>()[r] = static_cast<T>(mean);
      if (saved.inverse_deviation.defined())
        saved.inverse_deviation.data_as<T>()[r] = static_cast<T>(inverse);
    }
  });
}

// With y = (x - mean) * i:  dx = i * (g - mean(g) - y * mean(g * y)) where g = w dout.
void layer_norm_backward(Exec&, const Tensor& dout, const Tensor& x, const Tensor& weight,
                         const NormSaved& saved, const Tensor& dx, bool accumulate_dx,
                         const Tensor& dweight, bool accumulate_dweight, const Tensor& dbias,
                         bool accumulate_dbias) {
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t dim = x.dim(-1);
    for (int64_t d = 0; d < weight.elements(); ++d) {
      if (dweight.defined() && !accumulate_dweight) dweight.data_as<T>()[d] = T{};
      if (dbias.defined() && !accumulate_dbias) dbias.data_as<T>()[d] = T{};
    }
    for (int64_t r = 0; r < x.shape().rows(); ++r) {
      const double mean = value_at(saved.mean, r);
      const double inverse = value_at(saved.inverse_deviation, r);
      const int64_t first = r % weight.shape().rows() * dim;
      double mean_g = 0;
      double mean_gy = 0;
      for (int64_t d = 0; d < dim; ++d) {
        const double g = value_at(weight, first + d) * value_at(dout, r * dim + d);
        mean_g += g;
        mean_gy += g * (value_at(x, r * dim + d) - mean) * inverse;
      }
      mean_g /= static_cast<double>(dim);
      mean_gy /= static_cast<double>(dim);
      for (int64_t d = 0; d < dim; ++d) {
        const double upstream = value_at(dout, r * dim + d);
        const double normalized = (value_at(x, r * dim + d) - mean) * inverse;
        if (dx.defined()) {
          T& target = dx.data_as<T>()[r * dim + d];
          const double slope =
              inverse * (value_at(weight, first + d) * upstream - mean_g - normalized * mean_gy);
          target = static_cast<T>((accumulate_dx ? static_cast<double>(target) : 0.0) + slope);
        }
        if (dweight.defined())
          dweight.data_as<T>()[first + d] += static_cast<T>(upstream * normalized);
        if (dbias.defined()) dbias.data_as<T>()[first + d] += static_cast<T>(upstream);
      }
    }
  });
}

}  // namespace

void add_norms(Backend& backend) {
  backend.rms_norm = rms_norm;
  backend.rms_norm_backward = rms_norm_backward;
  backend.layer_norm = layer_norm;
  backend.layer_norm_backward = layer_norm_backward;
}

}  // namespace onmal::plain

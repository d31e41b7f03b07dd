#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/plain/plain_ops.h"

namespace onmal::plain {
namespace {

void embedding(Exec&, const Tensor& table, const Tensor& ids, const Tensor& out) {
  with_type(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t dim = table.dim(1);
    for (int64_t i = 0; i < ids.elements(); ++i) {
      for (int64_t d = 0; d < dim; ++d) {
        out.data_as<T>()[i * dim + d] = static_cast<T>(value_at(table, ids.i32()[i] * dim + d));
      }
    }
  });
}

void embedding_backward(Exec&, const Tensor& dout, const Tensor& ids, const Tensor& dtable,
                        bool accumulate) {
  with_type(dout.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t dim = dtable.dim(1);
    if (!accumulate) std::fill_n(dtable.data_as<T>(), dtable.elements(), T{});
    for (int64_t i = 0; i < ids.elements(); ++i) {
      for (int64_t d = 0; d < dim; ++d) {
        dtable.data_as<T>()[ids.i32()[i] * dim + d] += dout.data_as<T>()[i * dim + d];
      }
    }
  });
}

void linear(Exec&, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& out) {
  with_type(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t inner = w.dim(1);
    for (int64_t m = 0; m < x.dim(0); ++m) {
      for (int64_t n = 0; n < w.dim(0); ++n) {
        double sum = bias.defined() ? value_at(bias, n) : 0.0;
        for (int64_t k = 0; k < inner; ++k)
          sum += value_at(x, m * inner + k) * value_at(w, n * inner + k);
        out.data_as<T>()[m * w.dim(0) + n] = static_cast<T>(sum);
      }
    }
  });
}

void linear_backward_input(Exec&, const Tensor& dout, const Tensor& w, const Tensor& dx,
                           bool accumulate) {
  with_type(dx.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t m = 0; m < dx.dim(0); ++m) {
      for (int64_t k = 0; k < dx.dim(1); ++k) {
        T& target = dx.data_as<T>()[m * dx.dim(1) + k];
        double sum = accumulate ? static_cast<double>(target) : 0.0;
        for (int64_t n = 0; n < w.dim(0); ++n) {
          sum += value_at(dout, m * w.dim(0) + n) * value_at(w, n * w.dim(1) + k);
        }
        target = static_cast<T>(sum);
      }
    }
  });
}

void linear_backward_weight(Exec&, const Tensor& dout, const Tensor& x, const Tensor& dw,
                            bool accumulate) {
  with_type(dw.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t n = 0; n < dw.dim(0); ++n) {
      for (int64_t k = 0; k < dw.dim(1); ++k) {
        T& target = dw.data_as<T>()[n * dw.dim(1) + k];
        double sum = accumulate ? static_cast<double>(target) : 0.0;
        for (int64_t m = 0; m < x.dim(0); ++m) {
          sum += value_at(dout, m * dw.dim(0) + n) * value_at(x, m * dw.dim(1) + k);
        }
        target = static_cast<T>(sum);
      }
    }
  });
}

void sum_rows(Exec&, const Tensor& dout, const Tensor& db, bool accumulate) {
  with_type(db.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t n = 0; n < db.dim(0); ++n) {
      double sum = accumulate ? static_cast<double>(db.data_as<T>()[n]) : 0.0;
      for (int64_t m = 0; m < dout.dim(0); ++m) sum += value_at(dout, m * db.dim(0) + n);
      db.data_as<T>()[n] = static_cast<T>(sum);
    }
  });
}

struct Row {
  std::vector<double> logits;  // after the soft cap
  std::vector<double> slopes;  // d(capped) / d(raw)
  double log_sum = 0;
};

Row logits_of(const Tensor& x, const Tensor& w, const Tensor& bias, int64_t m, float softcap) {
  const int64_t inner = w.dim(1);
  Row row;
  row.logits.resize(static_cast<size_t>(w.dim(0)));
  row.slopes.assign(static_cast<size_t>(w.dim(0)), 1.0);
  for (int64_t n = 0; n < w.dim(0); ++n) {
    double sum = bias.defined() ? value_at(bias, n) : 0.0;
    for (int64_t k = 0; k < inner; ++k)
      sum += value_at(x, m * inner + k) * value_at(w, n * inner + k);
    if (softcap > 0) {
      const double bent = std::tanh(sum / static_cast<double>(softcap));
      sum = static_cast<double>(softcap) * bent;
      row.slopes[static_cast<size_t>(n)] = 1.0 - bent * bent;
    }
    row.logits[static_cast<size_t>(n)] = sum;
  }
  const double largest = *std::max_element(row.logits.begin(), row.logits.end());
  double total = 0;
  for (const double logit : row.logits) total += std::exp(logit - largest);
  row.log_sum = largest + std::log(total);
  return row;
}

void linear_cross_entropy(Exec&, const Tensor& x, const Tensor& w, const Tensor& targets,
                          const CrossEntropyParams& params, const Tensor& losses,
                          double gradient_scale, const Tensor& dx, const Tensor& dw,
                          const Tensor& dbias) {
  with_type(losses.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const int64_t inner = w.dim(1);
    if (dx.defined()) std::fill_n(dx.data_as<T>(), dx.elements(), T{});
    if (dw.defined()) std::fill_n(dw.data_as<T>(), dw.elements(), T{});
    if (dbias.defined()) std::fill_n(dbias.data_as<T>(), dbias.elements(), T{});
    for (int64_t m = 0; m < x.dim(0); ++m) {
      const int32_t target = targets.i32()[m];
      losses.data_as<T>()[m] = T{};
      if (target == params.ignored) continue;
      const Row row = logits_of(x, w, params.bias, m, params.softcap);
      const double weight = params.row_weights.defined() ? value_at(params.row_weights, m) : 1.0;
      losses.data_as<T>()[m] =
          static_cast<T>(weight * (row.log_sum - row.logits[static_cast<size_t>(target)]));
      for (int64_t n = 0; n < w.dim(0); ++n) {
        const auto i = static_cast<size_t>(n);
        const double probability = std::exp(row.logits[i] - row.log_sum);
        const double slope =
            (probability - (n == target ? 1.0 : 0.0)) * row.slopes[i] * weight * gradient_scale;
        if (dbias.defined()) dbias.data_as<T>()[n] += static_cast<T>(slope);
        for (int64_t k = 0; k < inner; ++k) {
          if (dx.defined())
            dx.data_as<T>()[m * inner + k] += static_cast<T>(slope * value_at(w, n * inner + k));
          if (dw.defined())
            dw.data_as<T>()[n * inner + k] += static_cast<T>(slope * value_at(x, m * inner + k));
        }
      }
    }
  });
}

}  // namespace

void add_linear(Backend& backend) {
  backend.embedding = embedding;
  backend.embedding_backward = embedding_backward;
  backend.linear = linear;
  backend.linear_backward_input = linear_backward_input;
  backend.linear_backward_weight = linear_backward_weight;
  backend.sum_rows = sum_rows;
  backend.linear_cross_entropy = linear_cross_entropy;
}

}  // namespace onmal::plain

#include "ops/cross_entropy.h"

#include <algorithm>
#include <string>

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {
namespace {

int64_t count_targets(const Tensor& targets, int64_t vocabulary, int32_t ignored) {
  int64_t counted = 0;
  for (int64_t i = 0; i < targets.elements(); ++i) {
    const int32_t target = targets.i32()[i];
    if (target == ignored) continue;
    if (target < 0 || target >= vocabulary) {
      fail_check("cross_entropy", "targets",
                 "id " + std::to_string(target) + " is outside the vocabulary of " +
                     std::to_string(vocabulary));
    }
    ++counted;
  }
  return counted;
}

template <typename T>
void write_mean(const Tensor& losses, double divisor, const Tensor& loss) {
  double sum = 0;
  for (int64_t i = 0; i < losses.elements(); ++i)
    sum += static_cast<double>(losses.data_as<T>()[i]);
  loss.data_as<T>()[0] = static_cast<T>(sum / divisor);
}

double scalar(const Tensor& tensor) {
  return tensor.dtype() == DType::kF64 ? tensor.f64()[0] : static_cast<double>(tensor.f32()[0]);
}

// Adds upstream * gradient; the usual upstream of 1 costs nothing.
void pass_on(Exec& exec, const Tensor& value, const Tensor& gradient, double upstream,
             GradStore& gradients) {
  if (!Tape::tracks(value)) return;
  if (upstream != 1.0) exec.backend->scale(exec, gradient, static_cast<float>(upstream), gradient);
  gradients.add(exec, value, gradient);
}

}  // namespace

CrossEntropyResult linear_cross_entropy(Exec& exec, const Tensor& hidden, const Tensor& weight,
                                        const Tensor& targets, const CrossEntropyParams& params,
                                        double normalizer) {
  check(hidden.shape().rank() == 2 && weight.shape().rank() == 2, "cross_entropy", "hidden, weight",
        "must have two dimensions");
  check_last_dim("cross_entropy", "hidden", hidden, weight.dim(1));
  check_dtype("cross_entropy", "targets", targets, DType::kI32);
  check_same_shape("cross_entropy", "targets", targets, Shape{hidden.dim(0)});
  if (params.bias.defined())
    check_same_shape("cross_entropy", "bias", params.bias, Shape{weight.dim(0)});
  if (params.row_weights.defined())
    check_same_shape("cross_entropy", "row_weights", params.row_weights, Shape{hidden.dim(0)});
  CrossEntropyResult result;
  result.counted = count_targets(targets, weight.dim(0), params.ignored);
  const double divisor =
      normalizer > 0 ? normalizer : static_cast<double>(std::max<int64_t>(result.counted, 1));
  result.losses = Tensor::empty(*exec.memory, Shape{hidden.dim(0)}, hidden.dtype());
  result.loss = Tensor::empty(*exec.memory, Shape{1}, hidden.dtype());
  const bool recorded = exec.tape != nullptr && Tape::tracks(hidden, weight, params.bias);
  Tensor dhidden;
  Tensor dweight;
  Tensor dbias;
  if (recorded && Tape::tracks(hidden))
    dhidden = Tensor::empty(*exec.memory, hidden.shape(), hidden.dtype());
  if (recorded && Tape::tracks(weight))
    dweight = Tensor::empty(*exec.memory, weight.shape(), hidden.dtype());
  if (recorded && Tape::tracks(params.bias))
    dbias = Tensor::empty(*exec.memory, params.bias.shape(), hidden.dtype());
  exec.backend->linear_cross_entropy(exec, hidden, weight, targets, params, result.losses,
                                     1.0 / divisor, dhidden, dweight, dbias);
  if (hidden.dtype() == DType::kF64) {
    write_mean<double>(result.losses, divisor, result.loss);
  } else {
    write_mean<float>(result.losses, divisor, result.loss);
  }
  if (recorded) {
    const Tensor bias = params.bias;
    exec.tape->record(result.loss, [hidden, weight, bias, dhidden, dweight, dbias](
                                       Exec& inner, const Tensor& dloss, GradStore& gradients) {
      pass_on(inner, hidden, dhidden, scalar(dloss), gradients);
      pass_on(inner, weight, dweight, scalar(dloss), gradients);
      if (bias.defined()) pass_on(inner, bias, dbias, scalar(dloss), gradients);
    });
  }
  return result;
}

}  // namespace onmal

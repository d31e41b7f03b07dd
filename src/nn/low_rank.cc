#include "nn/low_rank.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "ops/add.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/scale.h"
#include "ops/scale_columns.h"

namespace onmal {
namespace {

constexpr int64_t kRowsAtOnce = 64;

// Rows [begin, begin + count) of weight + scale · up · down.
Tensor changed_rows(Exec& exec, const Tensor& weight, const Tensor& down, const Tensor& up,
                    float factor, int64_t begin, int64_t count) {
  const Tensor ids = Tensor::empty(*exec.memory, Shape{count}, DType::kI32);
  for (int64_t i = 0; i < count; ++i) ids.i32()[i] = static_cast<int32_t>(begin + i);
  const Tensor rows = embedding(exec, weight, ids);
  const Tensor change = Tensor::empty(*exec.memory, rows.shape(), rows.dtype());
  exec.backend->linear_backward_input(exec, up.slice(begin, begin + count), down, change, false);
  return add(exec, rows, scale(exec, change, factor));
}

double square_length(const Tensor& rows, int64_t row) {
  const int64_t width = rows.dim(1);
  double sum = 0;
  for (int64_t i = row * width; i < (row + 1) * width; ++i) {
    const double value =
        rows.dtype() == DType::kF64 ? rows.f64()[i] : static_cast<double>(rows.f32()[i]);
    sum += value * value;
  }
  return sum;
}

// The same values, untracked.
Tensor constant(Tensor tensor) {
  tensor.set_tag(0);
  return tensor;
}

// `row` [out] once for each row of `like` [.., out].
Tensor repeated(Exec& exec, const Tensor& row, const Tensor& like) {
  const Tensor ids = Tensor::zeros(*exec.memory, Shape{like.shape().rows()}, DType::kI32);
  return embedding(exec, row.reshaped(Shape{1, row.elements()}), ids).reshaped(like.shape());
}

}  // namespace

LowRank::LowRank(const std::string& name, int64_t in, int64_t out, int64_t rank, float factor,
                 bool with_magnitudes)
    : scale(factor) {
  down.name = name + ".lora_a";
  down.shape = Shape{rank, in};
  up.name = name + ".lora_b";
  up.shape = Shape{out, rank};
  if (!with_magnitudes) return;
  magnitude.name = name + ".magnitude";
  magnitude.shape = Shape{out};
  magnitude.kind = ParamKind::kVector;
}

void LowRank::visit(ParamVisitor visitor) {
  visitor(down);
  visitor(up);
  if (has_magnitudes()) visitor(magnitude);
}

Tensor inverse_row_lengths(Exec& exec, const Tensor& weight, const Tensor& down, const Tensor& up,
                           float scale) {
  Exec quiet = exec;
  quiet.tape = nullptr;
  const int64_t out = weight.dim(0);
  const Tensor lengths = Tensor::empty(*exec.memory, Shape{out}, up.dtype());
  for (int64_t begin = 0; begin < out; begin += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, out - begin);
    const Tensor rows =
        changed_rows(quiet, constant(weight), constant(down), constant(up), scale, begin, count);
    for (int64_t r = 0; r < count; ++r) {
      const double inverse = 1.0 / std::sqrt(std::max(square_length(rows, r), 1e-30));
      if (lengths.dtype() == DType::kF64) {
        lengths.f64()[begin + r] = inverse;
      } else {
        lengths.f32()[begin + r] = static_cast<float>(inverse);
      }
    }
  }
  return lengths;
}

void LowRank::freeze(Exec& exec, const Tensor& weight) {
  if (!has_magnitudes()) return;
  const Tensor inverse = inverse_row_lengths(exec, weight, down.value, up.value, scale);
  for (int64_t i = 0; i < inverse.elements(); ++i) inverse.f32()[i] *= magnitude.value.f32()[i];
  frozen_factors = inverse;
}

Tensor LowRank::apply(Exec& exec, const Tensor& x, const Tensor& y, const Tensor& weight,
                      const Tensor& bias) const {
  const Tensor narrow = onmal::scale(exec, linear(exec, x, down.value), scale);
  const Tensor change = linear(exec, narrow, up.value);
  if (!has_magnitudes()) return add(exec, y, change);
  Tensor factors = frozen_factors;
  if (!factors.defined()) {
    const Tensor inverse = inverse_row_lengths(exec, weight, down.value, up.value, scale);
    const Shape row{1, inverse.elements()};
    factors = scale_columns(exec, magnitude.value.reshaped(row), inverse)
                  .reshaped(Shape{inverse.elements()});
  }
  if (!bias.defined()) return scale_columns(exec, add(exec, y, change), factors);
  // The bias is no part of what is scaled.
  const Tensor added = repeated(exec, constant(bias), y);
  const Tensor bare = add(exec, y, onmal::scale(exec, added, -1.0F));
  return add(exec, scale_columns(exec, add(exec, bare, change), factors), added);
}

Tensor LowRank::merged(Exec& exec, const Tensor& weight) const {
  const int64_t out = weight.dim(0);
  const int64_t in = weight.dim(1);
  const Tensor result = Tensor::empty(*exec.memory, Shape{out, in});
  const Tensor inverse =
      has_magnitudes() ? inverse_row_lengths(exec, weight, down.value, up.value, scale) : Tensor();
  for (int64_t begin = 0; begin < out; begin += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, out - begin);
    const Tensor rows = changed_rows(exec, weight, down.value, up.value, scale, begin, count);
    for (int64_t r = 0; r < count; ++r) {
      const float factor =
          inverse.defined() ? inverse.f32()[begin + r] * magnitude.value.f32()[begin + r] : 1.0F;
      std::transform(rows.f32() + r * in, rows.f32() + (r + 1) * in,
                     result.f32() + (begin + r) * in,
                     [factor](float value) { return factor * value; });
    }
  }
  return result;
}

}  // namespace onmal

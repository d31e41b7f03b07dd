#include "ops/rope.h"

#include <cmath>
#include <string>
#include <vector>

#include "autograd/tape.h"
#include "ops/check.h"

namespace onmal {

namespace {

// Row r for the position that position_of(r) gives.
template <typename PositionOf>
RopeTables fill_tables(Allocator& memory, int64_t rows, std::span<const double> frequencies,
                       double magnitude, PositionOf&& position_of) {
  const auto half = static_cast<int64_t>(frequencies.size());
  RopeTables tables{Tensor::empty(memory, Shape{rows, half}),
                    Tensor::empty(memory, Shape{rows, half})};
  for (int64_t row = 0; row < rows; ++row) {
    const auto position = static_cast<double>(position_of(row));
    for (int64_t i = 0; i < half; ++i) {
      const double angle = position * frequencies[static_cast<size_t>(i)];
      tables.cosines.f32()[row * half + i] = static_cast<float>(magnitude * std::cos(angle));
      tables.sines.f32()[row * half + i] = static_cast<float>(magnitude * std::sin(angle));
    }
  }
  return tables;
}

}  // namespace

RopeTables make_rope_tables(Allocator& memory, std::span<const int32_t> positions,
                            std::span<const double> frequencies, double magnitude) {
  return fill_tables(memory, static_cast<int64_t>(positions.size()), frequencies, magnitude,
                     [&](int64_t row) { return positions[static_cast<size_t>(row)]; });
}

RopeTables make_rope_tables(Allocator& memory, int64_t max_position, int64_t rotated_dims,
                            double theta) {
  std::vector<double> frequencies(static_cast<size_t>(rotated_dims / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] =
        std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(rotated_dims));
  }
  return fill_tables(memory, max_position, frequencies, 1.0, [](int64_t row) { return row; });
}

Tensor rope(Exec& exec, const Tensor& x, const RopeTables& tables, const Tensor& positions,
            RopeStyle style) {
  check(x.shape().rank() == 4, "rope", "x",
        "must have four dimensions [batch, length, heads, head_dim]");
  check(2 * tables.cosines.dim(1) <= x.dim(3), "rope", "tables",
        "rotate more dimensions than a head has");
  check_dtype("rope", "positions", positions, DType::kI32);
  check_same_shape("rope", "positions", positions, Shape{x.dim(0), x.dim(1)});
  for (int64_t i = 0; i < positions.elements(); ++i) {
    const int32_t position = positions.i32()[i];
    if (position < 0 || position >= tables.cosines.dim(0)) {
      fail_check("rope", "positions",
                 "position " + std::to_string(position) + " is outside the tables of " +
                     std::to_string(tables.cosines.dim(0)));
    }
  }
  Tensor out = Tensor::empty(*exec.memory, x.shape(), x.dtype());
  exec.backend->rope(exec, x, tables.cosines, tables.sines, positions, style, false, out);
  if (exec.tape != nullptr && Tape::tracks(x)) {
    exec.tape->record(out, [x, tables, positions, style](Exec& inner, const Tensor& dout,
                                                         GradStore& gradients) {
      Tensor dx = Tensor::empty(*inner.memory, dout.shape(), dout.dtype());
      inner.backend->rope(inner, dout, tables.cosines, tables.sines, positions, style, true, dx);
      gradients.add(inner, x, dx);
    });
  }
  return out;
}

}  // namespace onmal

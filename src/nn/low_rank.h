#pragma once

#include <cstdint>
#include <string>

#include "nn/param.h"
#include "ops/backend.h"

namespace onmal {

// A trained change of a linear map that stays as it is: y += scale · x Aᵀ Bᵀ (LoRA, Hu et al.,
// 2022). With magnitudes each output is that of W + scale · B A with rows of these lengths (DoRA,
// Liu et al., 2024); the lengths they replace count as constants in the backward pass, as section
// 4.3 there proposes.
struct LowRank {
  LowRank() = default;
  // For a map `name` from `in` to `out`; values are undefined until initialised or loaded.
  LowRank(const std::string& name, int64_t in, int64_t out, int64_t rank, float factor,
          bool with_magnitudes);

  void visit(ParamVisitor visitor);
  bool has_magnitudes() const { return magnitude.shape.rank() > 0; }
  // What the map gives with this change; y = x Wᵀ (+ bias) without it.
  Tensor apply(Exec& exec, const Tensor& x, const Tensor& y, const Tensor& weight,
               const Tensor& bias) const;
  // Computes the factors of the outputs once, for a change that is trained no more.
  void freeze(Exec& exec, const Tensor& weight);
  // W + scale · B A, its rows of the lengths that the magnitudes say; f32 [out, in].
  Tensor merged(Exec& exec, const Tensor& weight) const;

  Param down;       // A [rank, in]
  Param up;         // B [out, rank]
  Param magnitude;  // [out]; shape of rank 0 when there is none
  float scale = 1.0F;
  bool active = true;
  Tensor frozen_factors;  // [out], see freeze
};

// 1 / length of each row of weight + scale · up · down [out]; the weight in any format. Records
// nothing.
Tensor inverse_row_lengths(Exec& exec, const Tensor& weight, const Tensor& down, const Tensor& up,
                           float scale);

}  // namespace onmal

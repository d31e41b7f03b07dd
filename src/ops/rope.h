#pragma once

#include <span>

#include "ops/backend.h"

namespace onmal {

// Cosines and sines of position * frequency, f32 [max_position, rotated / 2].
struct RopeTables {
  Tensor cosines;
  Tensor sines;
};

// Frequencies theta^(-2i / rotated_dims) (Su et al., 2021), angles computed in double.
RopeTables make_rope_tables(Allocator& memory, int64_t max_position, int64_t rotated_dims,
                            double theta);
// The same with frequencies of the caller's choice (scaled variants); row r stands for
// positions[r], and rotated values are also multiplied by `magnitude`.
RopeTables make_rope_tables(Allocator& memory, std::span<const int32_t> positions,
                            std::span<const double> frequencies, double magnitude);

// Rotates the first 2 * cosines.dim(1) values of each head of x [B, T, H, D]; positions i32 [B, T].
// The vjp is the rotation back.
Tensor rope(Exec& exec, const Tensor& x, const RopeTables& tables, const Tensor& positions,
            RopeStyle style);

}  // namespace onmal

#include "kernels/gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"
#include "numeric/half.h"

namespace onmal {
namespace {

using kernels::GemmKernels;
using kernels::GemmOperand;

struct Factor {
  std::vector<float> stored;
  GemmOperand operand;
  int64_t lanes, depths;

  double at(int64_t lane, int64_t depth) const {
    const int64_t index =
        operand.depth_contiguous ? lane * operand.stride + depth : depth * operand.stride + lane;
    return static_cast<double>(stored[static_cast<size_t>(index)]);
  }
};

// Rows are longer than the factor: what lies between them is not a number and must not be read in.
Factor random_factor(int64_t lanes, int64_t depths, bool depth_contiguous, uint64_t seed) {
  const int64_t used = depth_contiguous ? depths : lanes;
  const int64_t rows = depth_contiguous ? lanes : depths;
  Factor factor{
      std::vector<float>(static_cast<size_t>(rows * (used + 5)), std::nanf("")), {}, lanes, depths};
  Rng rng(seed);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < used; ++i) {
      factor.stored[static_cast<size_t>(row * (used + 5) + i)] = static_cast<float>(rng.normal());
    }
  }
  factor.operand = {factor.stored.data(), DType::kF32, used + 5, depth_contiguous};
  return factor;
}

std::vector<float> packed(const GemmKernels& kernels, const Factor& factor, int64_t tile) {
  const int64_t panels = (factor.lanes + tile - 1) / tile;
  std::vector<float> out(static_cast<size_t>(panels * tile * kernels.words(factor.depths)));
  std::vector<float> scratch(static_cast<size_t>(GemmKernels::scratch_floats(factor.lanes)));
  kernels.pack(factor.operand, 0, factor.lanes, 0, factor.depths, tile, out.data(), scratch.data());
  return out;
}

double rounded(double value) {
  return static_cast<double>(bf16_to_f32(f32_to_bf16(static_cast<float>(value))));
}

void expect_product(const GemmKernels& kernels, bool bf16, int64_t rows, int64_t columns,
                    int64_t depths, bool a_along, bool b_along) {
  const Factor a = random_factor(rows, depths, a_along, 1);
  const Factor b = random_factor(columns, depths, b_along, 2);
  const std::vector<float> a_panels = packed(kernels, a, kernels.row_tile);
  const std::vector<float> b_panels = packed(kernels, b, kernels.column_tile);
  const int64_t stride = columns + 3;
  std::vector<float> c(static_cast<size_t>(rows * stride), 7.0F);
  kernels.multiply(kernels.words(depths), rows, columns, a_panels.data(), b_panels.data(), nullptr,
                   c.data(), stride, false);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < stride; ++j) {
      double sum = j < columns ? 0.0 : 7.0;  // beyond the matrix nothing is written
      for (int64_t k = 0; k < depths && j < columns; ++k) {
        const double left = a.at(i, k);
        const double right = b.at(j, k);
        sum += bf16 ? rounded(left) * rounded(right) : left * right;
      }
      ASSERT_NEAR(static_cast<double>(c[static_cast<size_t>(i * stride + j)]), sum,
                  1e-5 * std::sqrt(static_cast<double>(depths)) + 1e-6)
          << rows << "x" << columns << "x" << depths << " at " << i << "," << j;
    }
  }
}

class GemmKernelsTest : public ::testing::TestWithParam<Isa> {};

TEST_P(GemmKernelsTest, EveryKernelMultiplies) {
  const kernels::Table& table = kernels::table(GetParam());
  struct Candidate {
    const GemmKernels* kernels;
    bool bf16;
  };
  for (const Candidate& candidate : {Candidate{table.gemm, false}, Candidate{table.gemm_bf16, true},
                                     Candidate{&kernels::gemm_bf16(table), true}}) {
    for (const int64_t rows : {1, 3, 12, 17, 33}) {
      for (const int64_t columns : {1, 17, 32, 65}) {
        for (const int64_t depths : {1, 3, 33, 64, 131}) {
          for (const bool along : {false, true}) {
            expect_product(*candidate.kernels, candidate.bf16, rows, columns, depths, along, along);
            expect_product(*candidate.kernels, candidate.bf16, rows, columns, depths, along,
                           !along);
          }
        }
      }
    }
  }
}

// Values whose sum needs more than bf16 holds: the factors are rounded, the sums are not.
TEST_P(GemmKernelsTest, Bf16RoundsTheFactorsAndNotTheSums) {
  const GemmKernels& kernels = kernels::gemm_bf16(kernels::table(GetParam()));
  const std::vector<float> a = {1.00390625F, 1.0F, 1.0F, 0.0009765625F};  // the first is a tie
  const std::vector<float> b = {1.0F, 1.0F, 1.0F, 1.0F};
  const Factor left{a, {a.data(), DType::kF32, 4, true}, 1, 4};
  const Factor right{b, {b.data(), DType::kF32, 4, true}, 1, 4};
  float c = 0;
  kernels.multiply(kernels.words(4), 1, 1, packed(kernels, left, kernels.row_tile).data(),
                   packed(kernels, right, kernels.column_tile).data(), nullptr, &c, 1, false);
  EXPECT_EQ(c, 3.0009765625F);
}

INSTANTIATE_TEST_SUITE_P(All, GemmKernelsTest, ::testing::ValuesIn(kernels::available_isas()),
                         [](const auto& isa) { return std::string(isa_name(isa.param)); });

}  // namespace
}  // namespace onmal

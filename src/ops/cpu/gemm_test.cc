#include "ops/cpu/gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"
#include "numeric/half.h"
#include "ops/backend.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

// A stored matrix and its exact values.
struct Matrix {
  Tensor tensor;
  std::vector<double> values;
};

Matrix random_matrix(Allocator& memory, int64_t rows, int64_t columns, DType dtype, uint64_t seed) {
  Rng rng(seed);
  Matrix matrix;
  const Tensor plain = Tensor::empty(memory, Shape{rows, columns});
  for (int64_t i = 0; i < plain.elements(); ++i) plain.f32()[i] = static_cast<float>(rng.normal());
  const kernels::ConvertKernels& convert = *kernels::table(Isa::kBaseline).convert;
  const int64_t count = plain.elements();
  matrix.tensor = dtype == DType::kF32 ? plain : Tensor::empty(memory, plain.shape(), dtype);
  const Tensor back = Tensor::empty(memory, plain.shape());
  std::copy_n(plain.f32(), count, back.f32());
  if (dtype == DType::kF16) {
    convert.f32_to_f16(plain.f32(), matrix.tensor.data_as<uint16_t>(), count);
    convert.f16_to_f32(matrix.tensor.data_as<uint16_t>(), back.f32(), count);
  } else if (dtype == DType::kBF16) {
    convert.f32_to_bf16(plain.f32(), matrix.tensor.data_as<uint16_t>(), count);
    convert.bf16_to_f32(matrix.tensor.data_as<uint16_t>(), back.f32(), count);
  } else if (dtype == DType::kQ8_0) {
    convert.f32_to_q8_0(plain.f32(), matrix.tensor.data_as<BlockQ8_0>(), count);
    convert.q8_0_to_f32(matrix.tensor.data_as<BlockQ8_0>(), back.f32(), count);
  }
  matrix.values.assign(back.f32(), back.f32() + count);
  return matrix;
}

double at(const Matrix& matrix, bool lane_is_row, int64_t lane, int64_t depth) {
  const int64_t columns = matrix.tensor.dim(1);
  const int64_t index = lane_is_row ? lane * columns + depth : depth * columns + lane;
  return matrix.values[static_cast<size_t>(index)];
}

struct Case {
  int64_t m, n, k;
};

constexpr Case kCases[] = {{1, 1, 1},    {5, 3, 7},      {13, 33, 32},  {17, 64, 65},
                           {97, 65, 96}, {12, 32, 400},  {200, 40, 33}, {3, 1100, 64},
                           {96, 96, 1},  {130, 257, 768}};

class GemmTest : public ::testing::TestWithParam<std::tuple<Isa, DType, bool, bool>> {};

TEST_P(GemmTest, AgreesWithDoublePrecision) {
  const auto [isa, dtype, a_rows, b_rows] = GetParam();
  ThreadPool pool(2);
  ThreadPool alone(1);
  HeapAllocator memory;
  const Backend backend = make_cpu_backend(isa);
  Exec exec{&pool, &memory, &backend};
  Exec single{&alone, &memory, &backend};
  for (const Case& shape : kCases) {
    const int64_t block = dtype_info(dtype).block_size;
    const int64_t k = b_rows ? (shape.k + block - 1) / block * block : shape.k;
    const int64_t n = b_rows ? shape.n : (shape.n + block - 1) / block * block;
    const Matrix a =
        random_matrix(memory, a_rows ? shape.m : k, a_rows ? k : shape.m, DType::kF32, 1);
    const Matrix b = random_matrix(memory, b_rows ? n : k, b_rows ? k : n, dtype, 2);
    const Matrix bias = random_matrix(memory, 1, n, DType::kF32, 3);
    const Matrix start = random_matrix(memory, shape.m, n, DType::kF32, 4);
    const kernels::GemmOperand left{a.tensor.data(), DType::kF32, a.tensor.dim(1), a_rows};
    const kernels::GemmOperand right{b.tensor.data(), dtype, b.tensor.dim(1), b_rows};
    for (const bool accumulate : {false, true}) {
      std::vector<float> c(start.tensor.f32(), start.tensor.f32() + shape.m * n);
      std::vector<float> c_single = c;
      const float* added = accumulate ? nullptr : bias.tensor.f32();
      cpu::gemm(exec, shape.m, n, k, left, right, added, c.data(), n, accumulate);
      cpu::gemm(single, shape.m, n, k, left, right, added, c_single.data(), n, accumulate);
      EXPECT_EQ(c, c_single) << "one thread and two threads differ";
      for (int64_t i = 0; i < shape.m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double sum = accumulate ? start.values[static_cast<size_t>(i * n + j)]
                                  : bias.values[static_cast<size_t>(j)];
          for (int64_t d = 0; d < k; ++d) sum += at(a, a_rows, i, d) * at(b, b_rows, j, d);
          ASSERT_NEAR(static_cast<double>(c[static_cast<size_t>(i * n + j)]), sum,
                      1e-5 * std::sqrt(static_cast<double>(k)) + 1e-5)
              << shape.m << "x" << n << "x" << k << " at " << i << "," << j;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GemmTest,
                         ::testing::Combine(::testing::ValuesIn(kernels::available_isas()),
                                            ::testing::Values(DType::kF32, DType::kF16,
                                                              DType::kBF16, DType::kQ8_0),
                                            ::testing::Bool(), ::testing::Bool()));

// The driver with bf16 factors: on sizes of several blocks, equal for one thread and two.
class Bf16GemmTest : public ::testing::TestWithParam<std::tuple<Isa, bool, bool>> {};

TEST_P(Bf16GemmTest, IsRoundedF32) {
  const auto [isa, a_rows, b_rows] = GetParam();
  ThreadPool pool(2);
  ThreadPool alone(1);
  HeapAllocator memory;
  const Backend backend = make_cpu_backend(isa);
  Exec exec{&pool, &memory, &backend};
  Exec single{&alone, &memory, &backend};
  exec.matmul_precision = MatmulPrecision::kBf16;
  single.matmul_precision = MatmulPrecision::kBf16;
  const Case shape = {131, 70, 901};
  const Matrix a =
      random_matrix(memory, a_rows ? shape.m : shape.k, a_rows ? shape.k : shape.m, DType::kF32, 1);
  Matrix rounded = a;
  for (double& value : rounded.values)
    value = static_cast<double>(bf16_to_f32(f32_to_bf16(static_cast<float>(value))));
  const Matrix b = random_matrix(memory, b_rows ? shape.n : shape.k, b_rows ? shape.k : shape.n,
                                 DType::kBF16, 2);
  const kernels::GemmOperand left{a.tensor.data(), DType::kF32, a.tensor.dim(1), a_rows};
  const kernels::GemmOperand right{b.tensor.data(), DType::kBF16, b.tensor.dim(1), b_rows};
  std::vector<float> c(static_cast<size_t>(shape.m * shape.n));
  std::vector<float> c_single = c;
  cpu::gemm(exec, shape.m, shape.n, shape.k, left, right, nullptr, c.data(), shape.n, false);
  cpu::gemm(single, shape.m, shape.n, shape.k, left, right, nullptr, c_single.data(), shape.n,
            false);
  EXPECT_EQ(c, c_single);
  for (int64_t i = 0; i < shape.m; ++i) {
    for (int64_t j = 0; j < shape.n; ++j) {
      double sum = 0;
      for (int64_t d = 0; d < shape.k; ++d) sum += at(rounded, a_rows, i, d) * at(b, b_rows, j, d);
      ASSERT_NEAR(static_cast<double>(c[static_cast<size_t>(i * shape.n + j)]), sum, 5e-4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Bf16GemmTest,
                         ::testing::Combine(::testing::ValuesIn(kernels::available_isas()),
                                            ::testing::Bool(), ::testing::Bool()));

class MatvecTest : public ::testing::TestWithParam<std::tuple<Isa, DType>> {};

TEST_P(MatvecTest, AgreesWithDoublePrecision) {
  const auto [isa, dtype] = GetParam();
  HeapAllocator memory;
  for (const int64_t inner : {32, 96, 320, 1024, 2816}) {
    for (const int64_t outputs : {1, 4, 7, 66}) {
      const Matrix w = random_matrix(memory, outputs, inner, dtype, 1);
      for (int64_t rows = 1; rows <= kernels::kMatvecMostRows; ++rows) {
        const Matrix x = random_matrix(memory, rows, inner, DType::kF32, 2);
        std::vector<float> out(static_cast<size_t>(rows * outputs));
        kernels::table(isa).matvec->multiply(dtype, w.tensor.data(), outputs, inner, x.tensor.f32(),
                                             rows, out.data(), outputs);
        for (int64_t m = 0; m < rows; ++m) {
          for (int64_t n = 0; n < outputs; ++n) {
            double sum = 0;
            for (int64_t k = 0; k < inner; ++k) sum += at(x, true, m, k) * at(w, true, n, k);
            ASSERT_NEAR(static_cast<double>(out[static_cast<size_t>(m * outputs + n)]), sum, 2e-4);
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, MatvecTest,
                         ::testing::Combine(::testing::ValuesIn(kernels::available_isas()),
                                            ::testing::Values(DType::kF32, DType::kF16,
                                                              DType::kBF16, DType::kQ8_0)));

}  // namespace
}  // namespace onmal

// Exec::separate_rows: a row of a linear map gets the same bits in any company.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <tuple>

#include "base/rng.h"
#include "kernels/select.h"
#include "ops/backend.h"
#include "ops/packed_weights.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

class SeparateRowsTest
    : public ::testing::TestWithParam<std::tuple<Isa, DType, MatmulPrecision, bool>> {
 protected:
  Tensor random(const Shape& shape, uint64_t seed) {
    const Tensor tensor = Tensor::empty(memory_, shape);
    Rng rng(seed);
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.f32()[i] = static_cast<float>(rng.normal());
    return tensor;
  }
  // Quantised ones from bytes that stand for values of ordinary size.
  Tensor weights(const Shape& shape) {
    const DType dtype = std::get<1>(GetParam());
    const Tensor plain = random(shape, 2);
    if (dtype == DType::kF32) return plain;
    const Tensor tensor = Tensor::empty(memory_, shape, dtype);
    const kernels::ConvertKernels& convert = *cpu_.kernels->convert;
    const int64_t count = plain.elements();
    if (dtype == DType::kF16) convert.f32_to_f16(plain.f32(), tensor.data_as<uint16_t>(), count);
    if (dtype == DType::kBF16) convert.f32_to_bf16(plain.f32(), tensor.data_as<uint16_t>(), count);
    if (dtype == DType::kQ8_0) convert.f32_to_q8_0(plain.f32(), tensor.data_as<BlockQ8_0>(), count);
    if (dtype == DType::kQ4_0 || dtype == DType::kIQ4_NL) {  // a half and 16 bytes each
      Rng rng(3);
      auto* bytes = tensor.data_as<uint8_t>();
      for (int64_t i = 0; i < tensor.bytes(); ++i) bytes[i] = static_cast<uint8_t>(rng.below(256));
      for (int64_t i = 0; i < tensor.bytes(); i += 18) bytes[i + 1] = 0x2C;
    }
    return tensor;
  }
  // The first `few` of the rows apart from those behind them.
  Tensor product(const Tensor& x, const Tensor& w, const Tensor& bias, int64_t few) {
    Exec exec{&pool_, &memory_, &cpu_};
    exec.matmul_precision = std::get<2>(GetParam());
    const PackedWeights packed(exec, memory_, std::span(&w, std::get<3>(GetParam()) ? 1U : 0U));
    exec.packed = &packed;
    exec.separate_rows = few;
    const Tensor out = Tensor::empty(memory_, Shape{x.dim(0), w.dim(0)});
    cpu_.linear(exec, x, w, bias, out);
    return out;
  }
  static bool same(const Tensor& a, const Tensor& b) {
    return std::memcmp(a.f32(), b.f32(), static_cast<size_t>(a.bytes())) == 0;
  }

  HeapAllocator memory_;
  ThreadPool pool_{2};
  Backend cpu_ = make_cpu_backend(std::get<0>(GetParam()));
};

TEST_P(SeparateRowsTest, ARowIsTheSameInAnyCompany) {
  constexpr int64_t kRows = 45;
  for (const int64_t outputs : {int64_t{7}, int64_t{96}, int64_t{263}}) {
    const int64_t inner = 416;
    const Tensor x = random(Shape{kRows, inner}, 1);
    const Tensor w = weights(Shape{outputs, inner});
    const Tensor bias = random(Shape{outputs}, 4);
    const Tensor few = product(x, w, bias, kRows);
    const Tensor many = product(x, w, bias, 0);
    for (const int64_t begin : {int64_t{0}, int64_t{3}, int64_t{17}}) {
      for (const int64_t count : {1, 2, 3, 4, 5, 6, 7, 16, 17, 28}) {
        const Tensor some = x.slice(begin, begin + count);
        EXPECT_TRUE(same(product(some, w, bias, count), few.slice(begin, begin + count)))
            << outputs << " outputs, few: " << count;
        EXPECT_TRUE(same(product(some, w, bias, 0), many.slice(begin, begin + count)))
            << outputs << " outputs, many: " << count;
        const Tensor mixed = product(some, w, bias, count / 2);
        EXPECT_TRUE(same(mixed.slice(0, count / 2), few.slice(begin, begin + count / 2)));
        EXPECT_TRUE(
            same(mixed.slice(count / 2, count), many.slice(begin + count / 2, begin + count)));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SeparateRowsTest,
    ::testing::Combine(::testing::ValuesIn(kernels::available_isas()),
                       ::testing::Values(DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0,
                                         DType::kQ4_0, DType::kIQ4_NL),
                       ::testing::Values(MatmulPrecision::kF32, MatmulPrecision::kInt8),
                       ::testing::Bool()),
    [](const auto& each) {
      return std::string(isa_name(std::get<0>(each.param))) + "_" +
             std::string(dtype_info(std::get<1>(each.param)).name) +
             (std::get<2>(each.param) == MatmulPrecision::kInt8 ? "_int8" : "_f32") +
             (std::get<3>(each.param) ? "_packed" : "");
    });

}  // namespace
}  // namespace onmal

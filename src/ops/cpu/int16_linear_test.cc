// f16 and bf16 weights multiplied in integers of 14 bits, against double precision and against what
// rounding the activations to f16 would cost.
#include "ops/cpu/int16_linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"
#include "numeric/half.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

class Int16LinearTest : public ::testing::TestWithParam<std::tuple<Isa, DType>> {
 protected:
  void SetUp() override {
    if (kernels::int16(*cpu_.kernels) == nullptr)
      GTEST_SKIP() << "this processor has no dot product of 16-bit integers";
  }

  Tensor random(const Shape& shape, uint64_t seed, double deviation = 1.0) {
    const Tensor tensor = Tensor::empty(memory_, shape);
    Rng rng(seed);
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.f32()[i] = static_cast<float>(deviation * rng.normal());
    return tensor;
  }

  float value(const Tensor& w, int64_t i) const {
    const uint16_t half = w.data_as<uint16_t>()[i];
    return dtype_ == DType::kF16 ? f16_to_f32(half) : bf16_to_f32(half);
  }

  Tensor weights(const Shape& shape, uint64_t seed) {
    const Tensor exact = random(shape, seed, 0.02);
    const Tensor tensor = Tensor::empty(memory_, shape, dtype_);
    for (int64_t i = 0; i < tensor.elements(); ++i) {
      tensor.data_as<uint16_t>()[i] =
          dtype_ == DType::kF16 ? f32_to_f16(exact.f32()[i]) : f32_to_bf16(exact.f32()[i]);
    }
    return tensor;
  }

  Tensor product(const Tensor& x, const Tensor& w, const Tensor& bias = Tensor()) {
    const Tensor out = Tensor::empty(memory_, Shape{x.dim(0), w.dim(0)});
    const Tensor twin = Tensor::empty(memory_, out.shape());
    for (ThreadPool* pool : {&one_, &two_}) {
      Exec exec{pool, &memory_, &cpu_};
      exec.matmul_precision = MatmulPrecision::kInt8;
      cpu_.linear(exec, x, w, bias, pool == &one_ ? out : twin);
    }
    EXPECT_EQ(std::memcmp(out.f32(), twin.f32(), static_cast<size_t>(out.bytes())), 0);
    return out;
  }

  double exact(const Tensor& x, const Tensor& w, int64_t m, int64_t n, bool round_x) const {
    double sum = 0;
    for (int64_t k = 0; k < x.dim(1); ++k) {
      const float here = x.f32()[m * x.dim(1) + k];
      sum += static_cast<double>(round_x ? f16_to_f32(f32_to_f16(here)) : here) *
             static_cast<double>(value(w, n * x.dim(1) + k));
    }
    return sum;
  }

  DType dtype_ = std::get<1>(GetParam());
  HeapAllocator memory_;
  ThreadPool one_{1};
  ThreadPool two_{2};
  Backend cpu_ = make_cpu_backend(std::get<0>(GetParam()));
};

struct Size {
  int64_t m, n, k;
};

TEST_P(Int16LinearTest, ErrsNoMoreThanRoundingToF16) {
  for (const Size& size : {Size{17, 1, 32}, {24, 16, 1024}, {35, 83, 1056}, {50, 130, 2080}}) {
    const Tensor x = random(Shape{size.m, size.k}, 1);
    const Tensor w = weights(Shape{size.n, size.k}, 2);
    const Tensor bias = random(Shape{size.n}, 3);
    const Tensor out = product(x, w, bias);
    double own = 0;
    double half = 0;
    double scale = 0;
    for (int64_t m = 0; m < size.m; ++m) {
      for (int64_t n = 0; n < size.n; ++n) {
        const double expected = exact(x, w, m, n, false);
        const double found = static_cast<double>(out.f32()[m * size.n + n] - bias.f32()[n]);
        own += (found - expected) * (found - expected);
        half += std::pow(exact(x, w, m, n, true) - expected, 2);
        scale += expected * expected;
      }
    }
    EXPECT_LT(std::sqrt(own), 1.5 * std::sqrt(half) + 1e-6 * std::sqrt(scale)) << size.k;
    EXPECT_LT(std::sqrt(own / scale), 3e-4) << size.k;
  }
}

TEST_P(Int16LinearTest, LargestProductsFit) {
  const Tensor x = Tensor::empty(memory_, Shape{20, 64});
  const Tensor w = Tensor::empty(memory_, Shape{16, 64}, dtype_);
  for (int64_t i = 0; i < x.elements(); ++i) x.f32()[i] = -3.0F;
  const uint16_t two = dtype_ == DType::kF16 ? f32_to_f16(2.0F) : f32_to_bf16(2.0F);
  for (int64_t i = 0; i < w.elements(); ++i) w.data_as<uint16_t>()[i] = two;
  const Tensor out = product(x, w);
  for (int64_t i = 0; i < out.elements(); ++i) EXPECT_NEAR(out.f32()[i], -384.0F, 1e-3F);
}

TEST_P(Int16LinearTest, ARowDoesNotDependOnItsCompany) {
  const Tensor x = random(Shape{61, 320}, 4);
  const Tensor w = weights(Shape{40, 320}, 5);
  const Tensor all = product(x, w);
  const Tensor some = product(x.slice(7, 27), w);
  EXPECT_EQ(std::memcmp(all.f32() + 7 * 40, some.f32(), static_cast<size_t>(some.bytes())), 0);
}

TEST_P(Int16LinearTest, NumbersThatAreNoneComeThrough) {
  const Tensor x = random(Shape{18, 96}, 6);
  x.f32()[3 * 96 + 40] = std::numeric_limits<float>::quiet_NaN();
  x.f32()[5 * 96 + 95] = std::numeric_limits<float>::infinity();
  const Tensor w = weights(Shape{20, 96}, 7);
  const Tensor out = product(x, w);
  for (int64_t m = 0; m < 18; ++m) {
    for (int64_t n = 0; n < 20; ++n)
      EXPECT_EQ(std::isfinite(out.f32()[m * 20 + n]), m != 3 && m != 5) << m << " " << n;
  }
}

TEST_P(Int16LinearTest, OthersStayInF32) {
  Exec exec{&one_, &memory_, &cpu_};
  exec.matmul_precision = MatmulPrecision::kInt8;
  EXPECT_TRUE(cpu::uses_wide_integers(exec, weights(Shape{4, 64}, 8)));
  EXPECT_FALSE(cpu::uses_wide_integers(exec, weights(Shape{4, 40}, 8)));
  EXPECT_FALSE(cpu::uses_wide_integers(exec, random(Shape{4, 64}, 8)));
  exec.matmul_precision = MatmulPrecision::kF32;
  EXPECT_FALSE(cpu::uses_wide_integers(exec, weights(Shape{4, 64}, 8)));
}

INSTANTIATE_TEST_SUITE_P(All, Int16LinearTest,
                         ::testing::Combine(::testing::ValuesIn(kernels::available_isas()),
                                            ::testing::Values(DType::kF16, DType::kBF16)),
                         [](const auto& tested) {
                           return std::string(isa_name(std::get<0>(tested.param))) + "_" +
                                  std::string(dtype_info(std::get<1>(tested.param)).name);
                         });

}  // namespace
}  // namespace onmal

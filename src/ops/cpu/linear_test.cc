// The processor's linear, embedding and head against the plain backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"
#include "ops/backend.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The same problem on three devices: plain, the processor with one thread, and with two.
class Devices {
 public:
  explicit Devices(Isa isa) : plain_(make_plain_backend()), cpu_(make_cpu_backend(isa)) {}

  Exec plain() { return {&one_, &memory_, &plain_}; }
  Exec alone() { return {&one_, &memory_, &cpu_}; }
  Exec pair() { return {&two_, &memory_, &cpu_}; }
  Allocator& memory() { return memory_; }

  Tensor random(const Shape& shape, uint64_t seed) {
    const Tensor tensor = Tensor::empty(memory_, shape);
    Rng rng(seed);
    for (int64_t i = 0; i < tensor.elements(); ++i) {
      tensor.f32()[i] = static_cast<float>(rng.normal());
    }
    return tensor;
  }
  Tensor stored(const Shape& shape, DType dtype, uint64_t seed) {
    const Tensor plain = random(shape, seed);
    const kernels::ConvertKernels& convert = *cpu_.kernels->convert;
    if (dtype == DType::kF32) return plain;
    const Tensor tensor = Tensor::empty(memory_, shape, dtype);
    const int64_t count = plain.elements();
    if (dtype == DType::kF16) convert.f32_to_f16(plain.f32(), tensor.data_as<uint16_t>(), count);
    if (dtype == DType::kBF16) convert.f32_to_bf16(plain.f32(), tensor.data_as<uint16_t>(), count);
    if (dtype == DType::kQ8_0) convert.f32_to_q8_0(plain.f32(), tensor.data_as<BlockQ8_0>(), count);
    return tensor;
  }
  Tensor copy(const Tensor& tensor) {
    const Tensor twin = Tensor::empty(memory_, tensor.shape());
    std::copy_n(tensor.f32(), tensor.elements(), twin.f32());
    return twin;
  }
  Tensor ids(const std::vector<int32_t>& values) {
    const Tensor tensor =
        Tensor::empty(memory_, Shape{static_cast<int64_t>(values.size())}, DType::kI32);
    std::copy(values.begin(), values.end(), tensor.i32());
    return tensor;
  }

 private:
  HeapAllocator memory_;
  ThreadPool one_{1};
  ThreadPool two_{2};
  Backend plain_;
  Backend cpu_;
};

std::vector<float> values(const Tensor& tensor) {
  return {tensor.f32(), tensor.f32() + tensor.elements()};
}

void expect_near(const Tensor& actual, const Tensor& expected, double bound) {
  for (int64_t i = 0; i < expected.elements(); ++i) {
    ASSERT_NEAR(static_cast<double>(actual.f32()[i]), static_cast<double>(expected.f32()[i]), bound)
        << expected.shape().to_string() << " at " << i;
  }
}

// Runs body(exec, result) on all devices from the same start; the processor must agree with the
// plain loops within `bound` and with itself bit for bit.
template <typename Body>
void compare(Devices& devices, const Tensor& start, double bound, Body&& body) {
  const Tensor expected = devices.copy(start);
  const Tensor alone = devices.copy(start);
  const Tensor pair = devices.copy(start);
  Exec plain_exec = devices.plain();
  Exec alone_exec = devices.alone();
  Exec pair_exec = devices.pair();
  body(plain_exec, expected);
  body(alone_exec, alone);
  body(pair_exec, pair);
  expect_near(alone, expected, bound);
  EXPECT_EQ(values(alone), values(pair)) << "one thread and two threads differ";
}

struct LinearSize {
  int64_t m, n, k;
};

class LinearTest : public ::testing::TestWithParam<std::tuple<Isa, DType>> {
 protected:
  Devices devices_{std::get<0>(GetParam())};
  DType dtype_ = std::get<1>(GetParam());
  double bound(int64_t depth) const { return 2e-5 * std::sqrt(static_cast<double>(depth)) + 1e-5; }
};

constexpr LinearSize kLinearSizes[] = {{1, 1, 32},    {1, 257, 96},  {3, 33, 64},
                                       {4, 17, 320},  {5, 65, 32},   {16, 64, 64},
                                       {17, 33, 416}, {33, 3, 1056}, {130, 257, 64}};

TEST_P(LinearTest, Forward) {
  for (const LinearSize& size : kLinearSizes) {
    const Tensor x = devices_.random(Shape{size.m, size.k}, 1);
    const Tensor w = devices_.stored(Shape{size.n, size.k}, dtype_, 2);
    const Tensor start = devices_.random(Shape{size.m, size.n}, 3);
    for (const Tensor& bias : {Tensor(), devices_.random(Shape{size.n}, 4)}) {
      compare(devices_, start, bound(size.k),
              [&](Exec& exec, const Tensor& out) { exec.backend->linear(exec, x, w, bias, out); });
    }
  }
}

TEST_P(LinearTest, BackwardInput) {
  for (const LinearSize& size : kLinearSizes) {
    const Tensor dout = devices_.random(Shape{size.m, size.n}, 1);
    const Tensor w = devices_.stored(Shape{size.n, size.k}, dtype_, 2);
    const Tensor start = devices_.random(Shape{size.m, size.k}, 3);
    for (const bool accumulate : {false, true}) {
      compare(devices_, start, bound(size.n), [&](Exec& exec, const Tensor& dx) {
        exec.backend->linear_backward_input(exec, dout, w, dx, accumulate);
      });
    }
  }
}

TEST_P(LinearTest, TokenByTokenAgreesWithAllAtOnce) {
  const Tensor x = devices_.random(Shape{40, 320}, 1);
  const Tensor w = devices_.stored(Shape{65, 320}, dtype_, 2);
  const Tensor whole = Tensor::empty(devices_.memory(), Shape{40, 65});
  const Tensor single = Tensor::empty(devices_.memory(), Shape{40, 65});
  Exec exec = devices_.pair();
  exec.backend->linear(exec, x, w, Tensor(), whole);
  for (int64_t m = 0; m < 40; ++m) {
    exec.backend->linear(exec, x.slice(m, m + 1), w, Tensor(), single.slice(m, m + 1));
  }
  expect_near(single, whole, 2e-4);
}

TEST_P(LinearTest, NaNAndInfinityComeThrough) {
  for (const int64_t rows : {int64_t{1}, int64_t{3}, int64_t{40}}) {
    for (const float bad : {kNaN, std::numeric_limits<float>::infinity()}) {
      const Tensor x = devices_.random(Shape{rows, 96}, 1);
      x.f32()[(rows - 1) * 96 + 77] = bad;
      const Tensor w = devices_.stored(Shape{37, 96}, dtype_, 2);
      const Tensor out = Tensor::empty(devices_.memory(), Shape{rows, 37});
      Exec exec = devices_.pair();
      exec.backend->linear(exec, x, w, Tensor(), out);
      for (int64_t i = 0; i < out.elements(); ++i) {
        EXPECT_EQ(std::isfinite(out.f32()[i]), i / 37 != rows - 1) << rows << " " << i;
      }
    }
  }
}

TEST_P(LinearTest, EmbeddingLooksUpRows) {
  const Tensor table = devices_.stored(Shape{50, 96}, dtype_, 1);
  std::vector<int32_t> chosen;
  Rng rng(2);
  for (int i = 0; i < 131; ++i) chosen.push_back(static_cast<int32_t>(rng.below(50)));
  const Tensor ids = devices_.ids(chosen);
  compare(devices_, devices_.random(Shape{131, 96}, 3), 0.0,
          [&](Exec& exec, const Tensor& out) { exec.backend->embedding(exec, table, ids, out); });
}

INSTANTIATE_TEST_SUITE_P(All, LinearTest,
                         ::testing::Combine(::testing::ValuesIn(kernels::available_isas()),
                                            ::testing::Values(DType::kF32, DType::kF16,
                                                              DType::kBF16, DType::kQ8_0)));

class GradientTest : public ::testing::TestWithParam<Isa> {
 protected:
  Devices devices_{GetParam()};
};

TEST_P(GradientTest, WeightAndBias) {
  for (const LinearSize& size : {LinearSize{1, 3, 5}, LinearSize{17, 33, 65},
                                 LinearSize{257, 40, 97}, LinearSize{700, 5, 3}}) {
    const Tensor dout = devices_.random(Shape{size.m, size.n}, 1);
    const Tensor x = devices_.random(Shape{size.m, size.k}, 2);
    const Tensor dw = devices_.random(Shape{size.n, size.k}, 3);
    const Tensor db = devices_.random(Shape{size.n}, 4);
    const double bound = 2e-5 * std::sqrt(static_cast<double>(size.m)) + 1e-5;
    for (const bool accumulate : {false, true}) {
      compare(devices_, dw, bound, [&](Exec& exec, const Tensor& out) {
        exec.backend->linear_backward_weight(exec, dout, x, out, accumulate);
      });
      compare(devices_, db, bound, [&](Exec& exec, const Tensor& out) {
        exec.backend->sum_rows(exec, dout, out, accumulate);
      });
    }
  }
}

TEST_P(GradientTest, EmbeddingAddsRepeatedIds) {
  const Tensor ids = devices_.ids({7, 0, 7, 7, 3, 0, 11});
  const Tensor dout = devices_.random(Shape{7, 133}, 1);
  for (const bool accumulate : {false, true}) {
    compare(devices_, devices_.random(Shape{12, 133}, 2), 1e-5,
            [&](Exec& exec, const Tensor& dtable) {
              exec.backend->embedding_backward(exec, dout, ids, dtable, accumulate);
            });
  }
}

// 600 rows of 8192 logits are more than one chunk.
TEST_P(GradientTest, HeadInOneAndInSeveralChunks) {
  for (const LinearSize& size :
       {LinearSize{1, 17, 8}, LinearSize{37, 131, 33}, LinearSize{600, 8192, 4}}) {
    std::vector<int32_t> chosen;
    Rng rng(5);
    for (int64_t i = 0; i < size.m; ++i) {
      chosen.push_back(i % 5 == 3 ? -100
                                  : static_cast<int32_t>(rng.below(static_cast<uint64_t>(size.n))));
    }
    const Tensor targets = devices_.ids(chosen);
    const Tensor x = devices_.random(Shape{size.m, size.k}, 1);
    const Tensor w = devices_.random(Shape{size.n, size.k}, 2);
    for (const float softcap : {0.0F, 2.0F}) {
      const CrossEntropyParams params{softcap, -100};
      const int64_t counts[] = {size.m, size.m * size.k, size.n * size.k};
      const Shape all{counts[0] + counts[1] + counts[2]};
      compare(devices_, devices_.random(all, 3), 3e-5, [&](Exec& exec, const Tensor& out) {
        float* place = out.f32();
        const Tensor losses = Tensor::borrowed(place, Shape{size.m});
        const Tensor dx = Tensor::borrowed(place + counts[0], x.shape());
        const Tensor dw = Tensor::borrowed(place + counts[0] + counts[1], w.shape());
        exec.backend->linear_cross_entropy(exec, x, w, targets, params, losses, 0.25, dx, dw, {});
      });
    }
  }
}

TEST_P(GradientTest, HeadWithoutGradientsAndWithNaN) {
  const Tensor x = devices_.random(Shape{9, 16}, 1);
  const Tensor w = devices_.random(Shape{50, 16}, 2);
  const Tensor targets = devices_.ids({1, 2, 3, 4, 5, 6, 7, 8, 49});
  compare(devices_, devices_.random(Shape{9}, 3), 2e-5, [&](Exec& exec, const Tensor& losses) {
    exec.backend->linear_cross_entropy(exec, x, w, targets, {}, losses, 1.0, {}, {}, {});
  });
  x.f32()[4 * 16 + 3] = kNaN;
  const Tensor losses = Tensor::empty(devices_.memory(), Shape{9});
  Exec exec = devices_.pair();
  exec.backend->linear_cross_entropy(exec, x, w, targets, {}, losses, 1.0, {}, {}, {});
  for (int64_t i = 0; i < 9; ++i) EXPECT_EQ(std::isnan(losses.f32()[i]), i == 4) << i;
}

// A scale of zero asks for gradients of zero, not for none.
TEST_P(GradientTest, HeadScaledByZero) {
  const Tensor x = devices_.random(Shape{9, 16}, 1);
  const Tensor w = devices_.random(Shape{50, 16}, 2);
  const Tensor targets = devices_.ids({1, 2, 3, 4, 5, 6, 7, 8, 49});
  const Tensor losses = Tensor::empty(devices_.memory(), Shape{9});
  const Tensor dx = devices_.random(x.shape(), 3);
  const Tensor dw = devices_.random(w.shape(), 4);
  Exec exec = devices_.pair();
  exec.backend->linear_cross_entropy(exec, x, w, targets, {}, losses, 0.0, dx, dw, {});
  EXPECT_GT(losses.f32()[0], 0.0F);
  for (const Tensor& gradient : {dx, dw}) {
    for (const float value : values(gradient)) ASSERT_EQ(value, 0.0F);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GradientTest, ::testing::ValuesIn(kernels::available_isas()),
                         [](const auto& isa) { return std::string(isa_name(isa.param)); });

}  // namespace
}  // namespace onmal

// Every quantised format on the processor against the plain backend's own reading of it, on random
// bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"
#include "numeric/blocks.h"
#include "numeric/half.h"
#include "ops/backend.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

// The halves of a block that scale it, set so that its values stay below 2 in size.
template <typename Block>
void set_scale(std::byte* bytes, double scale) {
  reinterpret_cast<Block*>(bytes)->d = f32_to_f16(static_cast<float>(scale));
}

void set_scales(DType dtype, std::byte* block, double factor) {
  switch (dtype) {
    case DType::kQ8_0:
      reinterpret_cast<BlockQ8_0*>(block)->scale = f32_to_f16(static_cast<float>(factor / 127));
      return;
    case DType::kQ4_0:
      return set_scale<BlockQ4_0>(block, factor / 8);
    case DType::kQ4_1:
      set_scale<BlockQ4_1>(block, factor / 15);
      reinterpret_cast<BlockQ4_1*>(block)->m = f32_to_f16(-0.5F);
      return;
    case DType::kQ5_0:
      return set_scale<BlockQ5_0>(block, factor / 16);
    case DType::kQ5_1:
      set_scale<BlockQ5_1>(block, factor / 31);
      reinterpret_cast<BlockQ5_1*>(block)->m = f32_to_f16(0.25F);
      return;
    case DType::kIQ4_NL:
      return set_scale<BlockIQ4_NL>(block, factor / 127);
    case DType::kQ2_K:
      set_scale<BlockQ2_K>(block, factor / 45);
      reinterpret_cast<BlockQ2_K*>(block)->dmin = f32_to_f16(1.0F / 15);
      return;
    case DType::kQ3_K:
      return set_scale<BlockQ3_K>(block, factor / 128);
    case DType::kQ4_K:
      set_scale<BlockQ4_K>(block, factor / 945);
      reinterpret_cast<BlockQ4_K*>(block)->dmin = f32_to_f16(1.0F / 63);
      return;
    case DType::kQ5_K:
      set_scale<BlockQ5_K>(block, factor / 1953);
      reinterpret_cast<BlockQ5_K*>(block)->dmin = f32_to_f16(1.0F / 63);
      return;
    case DType::kQ6_K:
      return set_scale<BlockQ6_K>(block, factor / 4096);
    default:
      return set_scale<BlockIQ4_XS>(block, factor / 4064);
  }
}

class QuantizedTest : public ::testing::TestWithParam<std::tuple<Isa, DType>> {
 protected:
  Tensor random(const Shape& shape, uint64_t seed) {
    const Tensor tensor = Tensor::empty(memory_, shape);
    Rng rng(seed);
    for (int64_t i = 0; i < tensor.elements(); ++i) {
      tensor.f32()[i] = static_cast<float>(rng.normal());
    }
    return tensor;
  }

  Tensor random_blocks(const Shape& shape, uint64_t seed) {
    const Tensor tensor = Tensor::empty(memory_, shape, dtype_);
    Rng rng(seed);
    auto* bytes = tensor.data_as<std::byte>();
    for (int64_t i = 0; i < tensor.bytes(); ++i) bytes[i] = static_cast<std::byte>(rng.below(256));
    const int64_t block_bytes = dtype_info(dtype_).block_bytes;
    for (int64_t at = 0; at < tensor.bytes(); at += block_bytes) {
      set_scales(dtype_, bytes + at, rng.below(2) == 0 ? 1.0 : -0.7);
    }
    return tensor;
  }

  // body(exec, out) on the plain backend, and on the processor with one thread and two.
  template <typename Body>
  void compare(const Shape& shape, double bound, Body&& body) {
    const Tensor expected = Tensor::zeros(memory_, shape);
    const Tensor alone = Tensor::zeros(memory_, shape);
    const Tensor pair = Tensor::zeros(memory_, shape);
    Exec plain{&one_, &memory_, &plain_};
    Exec one{&one_, &memory_, &cpu_};
    Exec two{&two_, &memory_, &cpu_};
    body(plain, expected);
    body(one, alone);
    body(two, pair);
    for (int64_t i = 0; i < shape.elements(); ++i) {
      ASSERT_NEAR(static_cast<double>(alone.f32()[i]), static_cast<double>(expected.f32()[i]),
                  bound)
          << shape.to_string() << " at " << i;
      ASSERT_EQ(alone.f32()[i], pair.f32()[i]) << "one thread and two threads differ at " << i;
    }
  }

  DType dtype_ = std::get<1>(GetParam());
  int64_t block_ = dtype_info(dtype_).block_size;
  HeapAllocator memory_;
  ThreadPool one_{1};
  ThreadPool two_{2};
  Backend plain_ = make_plain_backend();
  Backend cpu_ = make_cpu_backend(std::get<0>(GetParam()));
};

TEST_P(QuantizedTest, EmbeddingDecodesEveryValue) {
  const Tensor table = random_blocks(Shape{40, 3 * block_}, 1);
  const Tensor ids = Tensor::empty(memory_, Shape{40}, DType::kI32);
  std::iota(ids.i32(), ids.i32() + 40, 0);
  compare(Shape{40, 3 * block_}, 1e-6,
          [&](Exec& exec, const Tensor& out) { exec.backend->embedding(exec, table, ids, out); });
}

TEST_P(QuantizedTest, LinearForwardAndBackward) {
  for (const int64_t rows : {1, 2, 3, 4, 40}) {
    for (const int64_t blocks : {1, 3, 5}) {
      const int64_t inner = blocks * block_;
      const Tensor w = random_blocks(Shape{37, inner}, 2);
      const Tensor x = random(Shape{rows, inner}, 3);
      const double bound = 2e-6 * std::sqrt(static_cast<double>(inner)) + 1e-5;
      compare(Shape{rows, 37}, bound, [&](Exec& exec, const Tensor& out) {
        exec.backend->linear(exec, x, w, Tensor(), out);
      });
      const Tensor dout = random(Shape{rows, 37}, 4);
      compare(Shape{rows, inner}, 3e-5, [&](Exec& exec, const Tensor& dx) {
        exec.backend->linear_backward_input(exec, dout, w, dx, false);
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, QuantizedTest,
    ::testing::Combine(::testing::ValuesIn(kernels::available_isas()),
                       ::testing::Values(DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                                         DType::kQ5_1, DType::kIQ4_NL, DType::kQ2_K, DType::kQ3_K,
                                         DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_XS)),
    [](const auto& tested) {
      return std::string(isa_name(std::get<0>(tested.param))) + "_" +
             std::string(dtype_info(std::get<1>(tested.param)).name);
    });

}  // namespace
}  // namespace onmal

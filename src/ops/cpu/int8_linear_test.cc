// Quantised weights on the processor against their values read one by one: decoded to f32, and with
// activations rounded to 8 bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"
#include "numeric/half.h"
#include "ops/backend.h"
#include "ops/packed_weights.h"
#include "tensor/allocators.h"

namespace onmal {
namespace {

constexpr DType kFormats[] = {DType::kQ8_0,   DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                              DType::kQ5_1,   DType::kQ2_K, DType::kQ3_K, DType::kQ4_K,
                              DType::kIQ4_NL, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_XS};

// Where a block of each format keeps its halves, in bytes.
std::vector<size_t> half_offsets(DType dtype) {
  switch (dtype) {
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K:
      return {0, 2};
    case DType::kQ2_K:
      return {80, 82};
    case DType::kQ3_K:
      return {108};
    case DType::kQ6_K:
      return {208};
    default:
      return {0};
  }
}

class Int8Test : public ::testing::TestWithParam<std::tuple<Isa, DType>> {
 protected:
  Tensor random(const Shape& shape, uint64_t seed) {
    const Tensor tensor = Tensor::empty(memory_, shape);
    Rng rng(seed);
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.f32()[i] = static_cast<float>(rng.normal());
    return tensor;
  }

  // Any bytes are weights; only the halves must be numbers of a reasonable size.
  Tensor random_weights(const Shape& shape, uint64_t seed) {
    const Tensor tensor = Tensor::empty(memory_, shape, dtype_);
    Rng rng(seed);
    auto* bytes = tensor.data_as<uint8_t>();
    for (int64_t i = 0; i < tensor.bytes(); ++i) bytes[i] = static_cast<uint8_t>(rng.below(256));
    const int64_t size = dtype_info(dtype_).block_bytes;
    for (int64_t block = 0; block < tensor.bytes() / size; ++block) {
      for (const size_t offset : half_offsets(dtype_)) {
        const uint16_t half = f32_to_f16(static_cast<float>(0.01 * rng.normal()));
        std::memcpy(bytes + block * size + static_cast<int64_t>(offset), &half, sizeof half);
      }
    }
    return tensor;
  }

  // x as the integer kernels see it: each group of 32 rounded to 127 steps of its largest value.
  Tensor rounded(const Tensor& x) {
    const Tensor out = Tensor::empty(memory_, x.shape());
    for (int64_t g = 0; g < x.elements(); g += 32) {
      float most = 0.0F;
      for (int64_t i = g; i < g + 32; ++i) most = std::max(most, std::fabs(x.f32()[i]));
      for (int64_t i = g; i < g + 32; ++i) {
        const float steps = most > 0 ? std::nearbyint(x.f32()[i] * (127.0F / most)) : 0.0F;
        out.f32()[i] = steps * (most / 127.0F);
      }
    }
    return out;
  }

  Exec exec(ThreadPool& pool, const Backend& backend, MatmulPrecision precision) {
    Exec result{&pool, &memory_, &backend};
    result.matmul_precision = precision;
    return result;
  }

  // The processor's result; one thread and two must agree bit for bit.
  Tensor product(const Tensor& x, const Tensor& w, const Tensor& bias, MatmulPrecision precision,
                 bool packed = false) {
    const Tensor out = Tensor::empty(memory_, Shape{x.dim(0), w.dim(0)});
    const Tensor twin = Tensor::empty(memory_, out.shape());
    Exec alone = exec(one_, cpu_, precision);
    Exec pair = exec(two_, cpu_, precision);
    const PackedWeights weights(pair, memory_, std::span(&w, packed ? 1U : 0U));
    alone.packed = pair.packed = &weights;
    cpu_.linear(alone, x, w, bias, out);
    cpu_.linear(pair, x, w, bias, twin);
    EXPECT_EQ(std::memcmp(out.f32(), twin.f32(), static_cast<size_t>(out.bytes())), 0);
    return out;
  }

  void expect_product(const Tensor& actual, const Tensor& x, const Tensor& w, const Tensor& bias) {
    const Tensor expected = Tensor::empty(memory_, actual.shape());
    Exec plain = exec(one_, plain_, MatmulPrecision::kF32);
    plain_.linear(plain, x, w, bias, expected);
    // Sums of the absolute products bound what rounding in another order can change.
    const int64_t inner = x.dim(1);
    double scale = 0;
    for (int64_t i = 0; i < expected.elements(); ++i)
      scale = std::max(scale, std::fabs(static_cast<double>(expected.f32()[i])));
    const double bound = 4e-6 * std::sqrt(static_cast<double>(inner)) * (scale + 1.0);
    for (int64_t i = 0; i < expected.elements(); ++i) {
      ASSERT_NEAR(static_cast<double>(actual.f32()[i]), static_cast<double>(expected.f32()[i]),
                  bound)
          << x.dim(0) << "x" << w.dim(0) << "x" << inner << " at " << i;
    }
  }

  Isa isa_ = std::get<0>(GetParam());
  DType dtype_ = std::get<1>(GetParam());
  HeapAllocator memory_;
  ThreadPool one_{1};
  ThreadPool two_{2};
  Backend plain_ = make_plain_backend();
  Backend cpu_ = make_cpu_backend(isa_);
};

struct Int8Size {
  int64_t m, n, k;
};

// k counts in blocks, so that every format gets whole ones.
constexpr Int8Size kSizes[] = {{1, 1, 1},   {1, 37, 3},  {2, 65, 9}, {3, 16, 8},
                               {4, 7, 2},   {5, 20, 1},  {7, 33, 5}, {8, 19, 11},
                               {9, 16, 10}, {13, 47, 3}, {40, 81, 9}};

TEST_P(Int8Test, DecodedWeightsMultiplyExactly) {
  for (const Int8Size& size : kSizes) {
    const int64_t inner = size.k * dtype_info(dtype_).block_size;
    const Tensor x = random(Shape{size.m, inner}, 1);
    const Tensor w = random_weights(Shape{size.n, inner}, 2);
    expect_product(product(x, w, Tensor(), MatmulPrecision::kF32), x, w, Tensor());
  }
}

TEST_P(Int8Test, RoundedActivationsMultiplyExactly) {
  for (const Int8Size& size : kSizes) {
    const int64_t inner = size.k * dtype_info(dtype_).block_size;
    const Tensor x = random(Shape{size.m, inner}, 3);
    const Tensor w = random_weights(Shape{size.n, inner}, 4);
    const Tensor bias = random(Shape{size.n}, 5);
    for (const bool packed : {false, true})
      expect_product(product(x, w, bias, MatmulPrecision::kInt8, packed), rounded(x), w, bias);
  }
}

// The depth of several passes over a panel, and the extremes of every field.
TEST_P(Int8Test, DeepAndExtreme) {
  const int64_t inner = 4352;
  for (const uint8_t fill : {uint8_t{0x00}, uint8_t{0xFF}, uint8_t{0x80}, uint8_t{0x7F}}) {
    const Tensor x = random(Shape{12, inner}, 6);
    for (int64_t i = 0; i < inner; ++i) x.f32()[i] = i % 2 == 0 ? 1.0F : 0.999F;
    const Tensor w = random_weights(Shape{17, inner}, 7);
    const int64_t size = dtype_info(dtype_).block_bytes;
    auto* bytes = w.data_as<uint8_t>();
    const std::vector<size_t> halves = half_offsets(dtype_);
    for (int64_t i = 0; i < w.bytes() / 2; ++i) {
      const auto at = static_cast<size_t>(i % size);
      const bool in_half = std::any_of(halves.begin(), halves.end(),
                                       [&](size_t o) { return at == o || at == o + 1; });
      if (!in_half) bytes[i] = fill;
    }
    const Tensor one = x.slice(0, 1);
    for (const bool packed : {false, true}) {
      const Tensor all = product(x, w, Tensor(), MatmulPrecision::kInt8, packed);
      expect_product(all, rounded(x), w, Tensor());
      const Tensor alone = product(one, w, Tensor(), MatmulPrecision::kInt8, packed);
      expect_product(alone, rounded(one), w, Tensor());
    }
  }
}

TEST_P(Int8Test, BadActivationsComeThrough) {
  const int64_t inner = 2 * dtype_info(dtype_).block_size;
  for (const int64_t rows : {int64_t{1}, int64_t{3}, int64_t{20}}) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      const Tensor x = random(Shape{rows, inner}, 1);
      x.f32()[(rows - 1) * inner + 33] = bad;
      const Tensor w = random_weights(Shape{19, inner}, 2);
      const Tensor out = product(x, w, Tensor(), MatmulPrecision::kF32);
      const Tensor whole = Tensor::empty(memory_, out.shape());
      Exec pair = exec(two_, cpu_, MatmulPrecision::kInt8);
      cpu_.linear(pair, x, w, Tensor(), whole);
      const PackedWeights weights(pair, memory_, std::span(&w, 1));
      pair.packed = &weights;
      const Tensor packed = Tensor::empty(memory_, out.shape());
      cpu_.linear(pair, x, w, Tensor(), packed);
      for (int64_t i = 0; i < whole.elements(); ++i) {
        EXPECT_EQ(std::isfinite(whole.f32()[i]), i / 19 != rows - 1) << rows << " " << i;
        EXPECT_EQ(std::isfinite(packed.f32()[i]), i / 19 != rows - 1) << rows << " " << i;
      }
    }
  }
}

// One row's result is the same, bit for bit, in whatever company it is computed.
TEST_P(Int8Test, PackedRowsDoNotDependOnEachOther) {
  const int64_t inner = (2560 + 32) / dtype_info(dtype_).block_size * dtype_info(dtype_).block_size;
  const Tensor x = random(Shape{41, inner}, 1);
  const Tensor w = random_weights(Shape{35, inner}, 2);
  Exec pair = exec(two_, cpu_, MatmulPrecision::kInt8);
  if (PackedWeights(pair, memory_, std::span(&w, 1)).bytes() == 0) {
    GTEST_SKIP() << "no packed form";
  }
  const Tensor whole = product(x, w, Tensor(), MatmulPrecision::kInt8, true);
  for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 17}) {
    const Tensor some = product(x.slice(0, rows), w, Tensor(), MatmulPrecision::kInt8, true);
    EXPECT_EQ(std::memcmp(some.f32(), whole.f32(), static_cast<size_t>(some.bytes())), 0) << rows;
  }
}

// Rows of a packed weight that begin with a panel are found in it; others are read as they are.
TEST_P(Int8Test, PartsOfPackedWeights) {
  const int64_t inner = 3 * dtype_info(dtype_).block_size;
  const Tensor x = random(Shape{3, inner}, 1);
  const Tensor w = random_weights(Shape{70, inner}, 2);
  Exec pair = exec(two_, cpu_, MatmulPrecision::kInt8);
  const PackedWeights weights(pair, memory_, std::span(&w, 1));
  pair.packed = &weights;
  for (const auto& [begin, end] : {std::pair{16, 48}, {64, 70}, {8, 40}, {16, 33}}) {
    const Tensor part = w.slice(begin, end);
    const Tensor out = Tensor::empty(memory_, Shape{3, end - begin});
    cpu_.linear(pair, x, part, Tensor(), out);
    expect_product(out, rounded(x), part, Tensor());
  }
}

// Experts' matrices are packed as one and found one by one.
TEST_P(Int8Test, ExpertsArePacked) {
  const int64_t inner = 2 * dtype_info(dtype_).block_size;
  const Tensor x = random(Shape{5, inner}, 1);
  for (const int64_t outputs : {int64_t{32}, int64_t{24}}) {
    const Tensor rows = random_weights(Shape{3 * outputs, inner}, 2);
    const Tensor experts = rows.reshaped(Shape{3, outputs, inner});
    Exec pair = exec(two_, cpu_, MatmulPrecision::kInt8);
    const PackedWeights weights(pair, memory_, std::span(&experts, 1));
    const int64_t alone = PackedWeights(pair, memory_, std::span(&rows, 1)).bytes();
    EXPECT_EQ(weights.bytes(), outputs == 32 ? alone : 0);  // a panel belongs to one expert
    pair.packed = &weights;
    for (int64_t e = 0; e < 3; ++e) {
      const Tensor w = experts.slice(e, e + 1).reshaped(Shape{outputs, inner});
      const Tensor out = Tensor::empty(memory_, Shape{5, outputs});
      cpu_.linear(pair, x, w, Tensor(), out);
      expect_product(out, rounded(x), w, Tensor());
    }
  }
}

TEST_P(Int8Test, ZerosAndTinyValues) {
  const int64_t inner = dtype_info(dtype_).block_size;
  const Tensor x = random(Shape{9, inner}, 1);
  std::fill_n(x.f32(), inner, 0.0F);
  for (int64_t i = 0; i < inner; ++i) x.f32()[inner + i] *= 1e-42F;
  const Tensor w = random_weights(Shape{16, inner}, 2);
  const Tensor out = product(x, w, Tensor(), MatmulPrecision::kInt8);
  for (int64_t n = 0; n < 32; ++n) EXPECT_NEAR(static_cast<double>(out.f32()[n]), 0.0, 1e-25);
}

TEST_P(Int8Test, EmbeddingDecodesRows) {
  const int64_t inner = 3 * dtype_info(dtype_).block_size;
  const Tensor table = random_weights(Shape{11, inner}, 1);
  const Tensor ids = Tensor::empty(memory_, Shape{3}, DType::kI32);
  for (int i = 0; i < 3; ++i) ids.i32()[i] = 5 * i;
  const Tensor actual = Tensor::empty(memory_, Shape{3, inner});
  const Tensor expected = Tensor::empty(memory_, Shape{3, inner});
  Exec cpu = exec(one_, cpu_, MatmulPrecision::kF32);
  Exec plain = exec(one_, plain_, MatmulPrecision::kF32);
  cpu_.embedding(cpu, table, ids, actual);
  plain_.embedding(plain, table, ids, expected);
  for (int64_t i = 0; i < actual.elements(); ++i)
    ASSERT_NEAR(static_cast<double>(actual.f32()[i]), static_cast<double>(expected.f32()[i]), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(All, Int8Test,
                         ::testing::Combine(::testing::ValuesIn(kernels::available_isas()),
                                            ::testing::ValuesIn(kFormats)),
                         [](const auto& each) {
                           return std::string(isa_name(std::get<0>(each.param))) + "_" +
                                  std::string(dtype_info(std::get<1>(each.param)).name);
                         });

}  // namespace
}  // namespace onmal

#include "kernels/convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"
#include "numeric/half.h"

namespace onmal {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

class ConvertTest : public ::testing::TestWithParam<Isa> {
 protected:
  const kernels::ConvertKernels& convert() const { return *kernels::table(GetParam()).convert; }
};

// Every half there is, at a length that leaves a rest.
TEST_P(ConvertTest, HalvesWidenAsTheScalarTwinsDo) {
  std::vector<uint16_t> halves(65536 + 7);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  const auto count = static_cast<int64_t>(halves.size());
  std::vector<float> out(halves.size());
  convert().f16_to_f32(halves.data(), out.data(), count);
  for (size_t i = 0; i < halves.size(); ++i) {
    const float expected = f16_to_f32(halves[i]);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(out[i])) << i;
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(expected)) << i;
    }
  }
  convert().bf16_to_f32(halves.data(), out.data(), count);
  for (size_t i = 0; i < halves.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(bf16_to_f32(halves[i])))
        << i;
  }
}

std::vector<float> awkward_floats() {
  std::vector<float> values = {0.0F,      -0.0F,      65504.0F, 65519.9F, 65520.0F,
                               -1e30F,    1e-8F,      5.96e-8F, 2.98e-8F, 6.1e-5F,
                               kInfinity, -kInfinity, kNaN,     1.0F,     1.00048828125F};
  Rng rng(7);
  while (values.size() < 50003) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(rng.next()));
    values.push_back(value);
    values.push_back(static_cast<float>(rng.normal()));
    // Exactly between two halves.
    values.push_back(
        std::bit_cast<float>((static_cast<uint32_t>(rng.next()) & 0xFFFFE000U) | 0x1000U));
    values.push_back(
        std::bit_cast<float>((static_cast<uint32_t>(rng.next()) & 0xFFFF0000U) | 0x8000U));
  }
  return values;
}

TEST_P(ConvertTest, FloatsNarrowAsTheScalarTwinsDo) {
  const std::vector<float> values = awkward_floats();
  const auto count = static_cast<int64_t>(values.size());
  std::vector<uint16_t> f16(values.size());
  std::vector<uint16_t> bf16(values.size());
  convert().f32_to_f16(values.data(), f16.data(), count);
  convert().f32_to_bf16(values.data(), bf16.data(), count);
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f16[i]))) << i;
      EXPECT_TRUE(std::isnan(bf16_to_f32(bf16[i]))) << i;
    } else {
      ASSERT_EQ(f16[i], f32_to_f16(values[i])) << values[i];
      ASSERT_EQ(bf16[i], f32_to_bf16(values[i])) << values[i];
    }
  }
}

TEST_P(ConvertTest, Q8_0RoundsAsGgufDoes) {
  constexpr int64_t kCount = 32 * 257;
  std::vector<float> values(kCount);
  Rng rng(3);
  for (float& value : values) value = static_cast<float>(rng.normal());
  std::fill_n(values.begin(), 32, 0.0F);
  for (int i = 0; i < 32; ++i) values[32 + static_cast<size_t>(i)] = static_cast<float>(i) + 0.5F;
  values[32 + 31] = 127.0F;  // scale 1: every value above lies halfway
  values[64] = -127.0F;
  values[65] = 0.49999997F;  // adding a half in f32 would carry this to 1
  std::vector<BlockQ8_0> blocks(kCount / 32);
  convert().f32_to_q8_0(values.data(), blocks.data(), kCount);
  for (size_t b = 0; b < blocks.size(); ++b) {
    float largest = 0;
    for (size_t i = 0; i < 32; ++i) largest = std::max(largest, std::abs(values[b * 32 + i]));
    const float scale = largest / 127.0F;
    const float inverse = scale > 0 ? 1.0F / scale : 0.0F;
    ASSERT_EQ(blocks[b].scale, f32_to_f16(scale)) << b;
    for (size_t i = 0; i < 32; ++i) {
      ASSERT_EQ(blocks[b].values[i], static_cast<int8_t>(std::round(values[b * 32 + i] * inverse)))
          << b << " " << i;
    }
  }
  EXPECT_EQ(blocks[1].values[0], 1);
  std::vector<float> back(kCount);
  convert().q8_0_to_f32(blocks.data(), back.data(), kCount);
  for (size_t i = 0; i < back.size(); ++i) {
    const BlockQ8_0& block = blocks[i / 32];
    ASSERT_EQ(back[i], f16_to_f32(block.scale) * static_cast<float>(block.values[i % 32])) << i;
  }
}

TEST_P(ConvertTest, Q8_0KeepsWhatIsNotFiniteVisible) {
  for (const float bad : {kNaN, kInfinity, -kInfinity}) {
    for (const size_t place : {size_t{0}, size_t{13}, size_t{31}}) {
      std::vector<float> values(64, 1.0F);
      values[place] = bad;
      std::vector<BlockQ8_0> blocks(2);
      convert().f32_to_q8_0(values.data(), blocks.data(), 64);
      std::vector<float> back(64);
      convert().q8_0_to_f32(blocks.data(), back.data(), 64);
      EXPECT_TRUE(std::isnan(back[place])) << bad << " at " << place;
      EXPECT_NEAR(static_cast<double>(back[40]), 1.0, 1e-3);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConvertTest, ::testing::ValuesIn(kernels::available_isas()),
                         [](const auto& isa) { return std::string(isa_name(isa.param)); });

}  // namespace
}  // namespace onmal

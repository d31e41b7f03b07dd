#include "kernels/quantize/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"
#include "numeric/blocks.h"
#include "numeric/half.h"

namespace onmal {
namespace {

// What a format can hold, in its own terms: groups of `group` values at levels `low` … `high` (or
// the iq4 table) times an integer scale, less an integer minimum.
struct Format {
  DType dtype;
  int group;
  int low, high;
  int scale_low, scale_high;  // of groups, 1 … 1: the block's own scale alone
  int most_minimum;           // 0: none; -1: any half, one for the block
  bool table = false;
};

constexpr Format kFormats[] = {
    {DType::kQ8_0, 32, -127, 127, 1, 1, 0},    {DType::kQ4_0, 32, -8, 7, 1, 1, 0},
    {DType::kQ4_1, 32, 0, 15, 1, 1, -1},       {DType::kQ5_0, 32, -16, 15, 1, 1, 0},
    {DType::kQ5_1, 32, 0, 31, 1, 1, -1},       {DType::kIQ4_NL, 32, 0, 15, 1, 1, 0, true},
    {DType::kQ2_K, 16, 0, 3, 1, 15, 15},       {DType::kQ3_K, 16, -4, 3, -32, 31, 0},
    {DType::kQ4_K, 32, 0, 15, 1, 63, 63},      {DType::kQ5_K, 32, 0, 31, 1, 63, 63},
    {DType::kQ6_K, 16, -32, 31, -128, 127, 0}, {DType::kIQ4_XS, 32, 0, 15, -32, 31, 0, true},
};

class EncodeTest : public ::testing::TestWithParam<Format> {
 protected:
  DType dtype() const { return GetParam().dtype; }

  std::vector<float> round_trip(const std::vector<float>& x,
                                const std::vector<float>& importance = {}) const {
    const auto count = static_cast<int64_t>(x.size());
    std::vector<std::byte> blocks(static_cast<size_t>(dtype_bytes(dtype(), count)));
    kernels::encode_blocks(dtype(), x.data(), importance.empty() ? nullptr : importance.data(),
                           blocks.data(), count);
    std::vector<float> back(x.size());
    kernels::table(Isa::kBaseline)
        .convert->quantized_to_f32(dtype(), blocks.data(), back.data(), count);
    return back;
  }
};

double squared_error(const std::vector<float>& x, const std::vector<float>& y,
                     const std::vector<float>& weights = {}) {
  double total = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double difference = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    total += difference * difference * (weights.empty() ? 1.0 : static_cast<double>(weights[i]));
  }
  return total;
}

std::vector<float> gaussian(size_t count, double deviation, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(deviation * rng.normal());
  return values;
}

int random_between(Rng& rng, int low, int high) {
  return low + static_cast<int>(rng.below(static_cast<uint64_t>(high - low + 1)));
}

// Values of one super-block that the format holds exactly; every group uses its outermost levels,
// and the first group the outermost scale and minimum.
std::vector<float> representable(const Format& format, Rng& rng) {
  const float d = f16_to_f32(f32_to_f16(0.0173F));
  const float dmin = f16_to_f32(f32_to_f16(0.0091F));
  std::vector<float> values;
  for (int g = 0; g < 256 / format.group; ++g) {
    int scale = g == 0 && format.scale_low < 0 ? format.scale_low : format.scale_high;
    if (g != 0) scale = random_between(rng, format.scale_low, format.scale_high);
    const int minimum =
        g == 0 ? format.most_minimum : random_between(rng, 0, std::max(0, format.most_minimum));
    const float offset = format.most_minimum < 0 ? f16_to_f32(f32_to_f16(-0.31F))
                                                 : -dmin * static_cast<float>(minimum);
    for (int i = 0; i < format.group; ++i) {
      int level = i == 0   ? format.low
                  : i == 1 ? format.high
                           : random_between(rng, format.low, format.high);
      if (format.table) level = kIQ4Levels[level];
      values.push_back(d * static_cast<float>(scale) * static_cast<float>(level) + offset);
    }
  }
  return values;
}

TEST_P(EncodeTest, RepresentableValuesComeBackExactly) {
  Rng rng(3);
  for (int trial = 0; trial < 20; ++trial) {
    const std::vector<float> x = representable(GetParam(), rng);
    const std::vector<float> back = round_trip(x);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(back[i]), static_cast<double>(x[i]), 2e-6 * 70)
          << trial << " " << i;
    }
  }
}

// Rounding with the scale of the largest value, the textbook way, by group and with unrounded
// scales: an advantage for it.
std::vector<float> simply_rounded(const Format& format, const std::vector<float>& x) {
  std::vector<float> result;
  for (size_t begin = 0; begin < x.size(); begin += static_cast<size_t>(format.group)) {
    const auto first = x.begin() + static_cast<int64_t>(begin);
    const auto last = first + format.group;
    const auto [low, high] = std::minmax_element(first, last);
    const bool line = format.most_minimum != 0;
    const float largest = std::max(-*low, *high);
    const float offset = line ? *low : 0.0F;
    const float scale = format.table ? largest / 113.0F
                        : line       ? (*high - *low) / static_cast<float>(format.high)
                                     : largest / static_cast<float>(format.high);
    for (auto place = first; place != last; ++place) {
      const float scaled = (*place - offset) / scale;
      float level = std::clamp(std::round(scaled), static_cast<float>(format.low),
                               static_cast<float>(format.high));
      if (format.table) {
        level = *std::min_element(std::begin(kIQ4Levels), std::end(kIQ4Levels), [&](int a, int b) {
          return std::abs(static_cast<float>(a) - scaled) <
                 std::abs(static_cast<float>(b) - scaled);
        });
      }
      result.push_back(scale * level + offset);
    }
  }
  return result;
}

TEST_P(EncodeTest, BeatsSimpleRounding) {
  const std::vector<float> x = gaussian(256 * 64, 0.02, 7);
  const double ours = squared_error(x, round_trip(x));
  const double simple = squared_error(x, simply_rounded(GetParam(), x));
  EXPECT_LT(ours, (GetParam().scale_high > 1 ? 1.02 : 1.0) * simple);
}

TEST_P(EncodeTest, ImportanceLowersTheWeightedError) {
  const std::vector<float> x = gaussian(256 * 64, 1.0, 7);
  std::vector<float> importance = gaussian(x.size(), 1.5, 8);
  for (float& weight : importance) weight = std::exp(weight);
  EXPECT_LT(squared_error(x, round_trip(x, importance), importance),
            0.95 * squared_error(x, round_trip(x), importance));
  // A factor on all weights changes nothing; nor do weights that are all zero.
  std::vector<float> scaled = importance;
  for (float& weight : scaled) weight *= 1024.0F;
  EXPECT_EQ(round_trip(x, scaled), round_trip(x, importance));
  EXPECT_EQ(round_trip(x, std::vector<float>(x.size(), 0.0F)), round_trip(x));
}

TEST_P(EncodeTest, BlocksDoNotDependOnTheirNeighbours) {
  const std::vector<float> x = gaussian(512, 1.0, 9);
  const std::vector<float> both = round_trip(x);
  const std::vector<float> second = round_trip({x.begin() + 256, x.end()});
  EXPECT_TRUE(std::equal(second.begin(), second.end(), both.begin() + 256));
}

TEST_P(EncodeTest, AwkwardBlocks) {
  const std::vector<float> zeros(256, 0.0F);
  EXPECT_EQ(round_trip(zeros), zeros);
  for (const float constant : {1.0F, -3.0F, 0.125F}) {
    const std::vector<float> x(256, constant);
    for (const float value : round_trip(x))
      EXPECT_NEAR(value, constant, 0.02F * std::abs(constant));
  }
  std::vector<float> spike(256, 0.0F);
  spike[37] = -5.0F;
  const std::vector<float> back = round_trip(spike);
  EXPECT_NEAR(back[37], -5.0F, 0.05F);
  // Beyond half precision at both ends: finite, and of the right sign or nothing.
  for (const float size : {1e30F, 3e38F, 1e-30F, 1e-40F}) {
    const std::vector<float> x = gaussian(256, static_cast<double>(size) / 8, 10);
    const std::vector<float> y = round_trip(x);
    for (size_t i = 0; i < y.size(); ++i) {
      ASSERT_TRUE(std::isfinite(y[i])) << size;
      ASSERT_TRUE(size > 1.0F || std::abs(y[i]) <= 1e-6F) << size;
    }
  }
}

TEST_P(EncodeTest, NotFiniteMakesTheBlockNotANumber) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> x = gaussian(768, 1.0, 11);
    x[300] = bad;
    const std::vector<float> back = round_trip(x);
    EXPECT_TRUE(std::isnan(back[300]));
    EXPECT_FALSE(std::isnan(back[0]));
    EXPECT_FALSE(std::isnan(back[700]));
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, EncodeTest, ::testing::ValuesIn(kFormats),
                         [](const auto& tested) {
                           return std::string(dtype_info(tested.param.dtype).name);
                         });

}  // namespace
}  // namespace onmal

#include "numeric/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "numeric/dtype.h"

namespace onmal {
namespace {

TEST(HalfTest, EveryF16SurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = f16_to_f32(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value))));
    } else {
      ASSERT_EQ(f32_to_f16(value), bits) << value;
    }
  }
}

TEST(HalfTest, F16AgreesWithTheCompiler) {
#if defined(__aarch64__)
  typedef __fp16 CompilersHalf;  // GCC 12 knows _Float16 there in C alone
#elif defined(__FLT16_MAX__)
  typedef _Float16 CompilersHalf;
#endif
#if defined(__aarch64__) || defined(__FLT16_MAX__)
  for (uint32_t bits = 0; bits < 0xFFFFFF00U; bits += 4099) {
    const float value = std::bit_cast<float>(bits);
    if (std::isnan(value)) continue;
    ASSERT_EQ(f32_to_f16(value), std::bit_cast<uint16_t>(static_cast<CompilersHalf>(value)))
        << value;
  }
#else
  GTEST_SKIP() << "no 16-bit floats in this compiler";
#endif
}

TEST(HalfTest, Bf16RoundsToNearestEven) {
  EXPECT_EQ(f32_to_bf16(1.0F), 0x3F80);
  EXPECT_EQ(f32_to_bf16(1.0F + 0x1.0p-8F), 0x3F80);  // tie to even
  EXPECT_EQ(f32_to_bf16(1.0F + 0x1.8p-7F), 0x3F82);  // tie to even, upwards
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(DTypeTest, NamesAndBytes) {
  EXPECT_EQ(dtype_from_name("q8_0"), DType::kQ8_0);
  EXPECT_EQ(dtype_from_name("q9"), std::nullopt);
  EXPECT_EQ(dtype_bytes(DType::kQ8_0, 64), 68);
  EXPECT_EQ(dtype_bytes(DType::kBF16, 64), 128);
}

}  // namespace
}  // namespace onmal

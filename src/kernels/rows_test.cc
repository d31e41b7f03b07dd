#include "kernels/rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"

namespace onmal {
namespace {

class RowsTest : public ::testing::TestWithParam<Isa> {
 protected:
  const kernels::RowKernels& rows() const { return *kernels::table(GetParam()).rows; }
};

// Every kernel against double sums, for widths with and without rests and for no row at all.
TEST_P(RowsTest, AgreesWithTheFormulas) {
  Rng rng(7);
  constexpr int64_t kStride = 320;
  std::vector<float> data(12 * kStride);
  for (float& value : data) value = static_cast<float>(rng.normal());
  const std::vector<int32_t> ids = {3, 0, 11, 3, 7, 9, 1};
  for (const int64_t width : {1, 5, 16, 100, 128, 300}) {
    for (int64_t count = 0; count <= static_cast<int64_t>(ids.size()); ++count) {
      const kernels::RowSelection some = {data.data(), kStride, ids.data(), count};
      const std::vector<float> factors = {0.5F, -1.0F, 2.0F, 0.25F, 3.0F, -0.125F, 1.0F};
      const std::vector<float> x(data.begin(), data.begin() + width);
      std::vector<float> sum(static_cast<size_t>(width));
      std::vector<float> combined(static_cast<size_t>(width));
      std::vector<float> dots(ids.size());
      rows().sum(some, width, 0.5F, sum.data());
      rows().combine(some, width, factors.data(), combined.data());
      rows().dot(some, width, x.data(), dots.data());
      for (int64_t j = 0; j < width; ++j) {
        double plain = 0;
        double weighted = 0;
        for (int64_t i = 0; i < count; ++i) {
          const double value = data[static_cast<size_t>(ids[static_cast<size_t>(i)] * kStride + j)];
          plain += 0.5 * value;
          weighted += static_cast<double>(factors[static_cast<size_t>(i)]) * value;
        }
        ASSERT_NEAR(sum[static_cast<size_t>(j)], plain, 1e-5);
        ASSERT_NEAR(combined[static_cast<size_t>(j)], weighted, 1e-5);
      }
      for (int64_t i = 0; i < count; ++i) {
        double exact = 0;
        for (int64_t j = 0; j < width; ++j) {
          exact += static_cast<double>(
                       data[static_cast<size_t>(ids[static_cast<size_t>(i)] * kStride + j)]) *
                   static_cast<double>(x[static_cast<size_t>(j)]);
        }
        ASSERT_NEAR(dots[static_cast<size_t>(i)], exact, 2e-4);
      }
    }
  }
}

TEST_P(RowsTest, LogisticOfAnyCount) {
  std::vector<float> x;
  for (int i = 0; i < 37; ++i) x.push_back(static_cast<float>(i - 18));
  std::vector<float> out(x.size());
  rows().logistic(x.data(), out.data(), static_cast<int64_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(out[i], 1 / (1 + std::exp(-static_cast<double>(x[i]))), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Isas, RowsTest, ::testing::ValuesIn(kernels::available_isas()),
                         [](const auto& isa) { return std::string(isa_name(isa.param)); });

}  // namespace
}  // namespace onmal

#include "kernels/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/select.h"

namespace onmal {
namespace {

class OptimizerTest : public ::testing::TestWithParam<Isa> {
 protected:
  const kernels::OptimizerKernels& optimizer() const {
    return *kernels::table(GetParam()).optimizer;
  }
};

std::vector<float> random_values(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

// Three steps against the formula in double precision.
TEST_P(OptimizerTest, AdamWFollowsTheFormula) {
  for (const size_t count : {1, 3, 16, 17, 33, 257}) {
    std::vector<float> parameter = random_values(count, 1);
    std::vector<float> first(count);
    std::vector<float> second(count);
    std::vector<double> exact(parameter.begin(), parameter.end());
    std::vector<double> m(count);
    std::vector<double> v(count);
    for (int step = 1; step <= 3; ++step) {
      const std::vector<float> gradient = random_values(count, static_cast<uint64_t>(10 + step));
      const double correction1 = 1 - std::pow(0.9, step);
      const double correction2 = 1 - std::pow(0.95, step);
      const kernels::AdamWStep constants = {0.01F,
                                            0.9F,
                                            0.95F,
                                            1e-8F,
                                            0.1F,
                                            static_cast<float>(correction1),
                                            static_cast<float>(correction2),
                                            0.5F};
      optimizer().adamw(constants, static_cast<int64_t>(count), gradient.data(), parameter.data(),
                        first.data(), second.data());
      for (size_t i = 0; i < count; ++i) {
        const double g = 0.5 * static_cast<double>(gradient[i]);
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.95 * v[i] + 0.05 * g * g;
        const double change = (m[i] / correction1) / (std::sqrt(v[i] / correction2) + 1e-8);
        exact[i] -= 0.01 * (change + 0.1 * exact[i]);
        ASSERT_NEAR(static_cast<double>(parameter[i]), exact[i], 1e-6) << count << " " << i;
        ASSERT_NEAR(static_cast<double>(first[i]), m[i], 1e-6);
        ASSERT_NEAR(static_cast<double>(second[i]), v[i], 1e-6);
      }
    }
  }
}

TEST_P(OptimizerTest, SumOfSquaresIsExactEnoughAndLetsNaNThrough) {
  for (const size_t count : {0, 1, 7, 16, 33, 5000, 100003}) {
    std::vector<float> values = random_values(count, 5);
    double exact = 0;
    for (const float value : values)
      exact += static_cast<double>(value) * static_cast<double>(value);
    const double sum = optimizer().sum_of_squares(values.data(), static_cast<int64_t>(count));
    EXPECT_NEAR(sum, exact, 1e-6 * exact) << count;
    if (count == 0) continue;
    values[count / 2] = std::nanf("");
    EXPECT_TRUE(std::isnan(optimizer().sum_of_squares(values.data(), static_cast<int64_t>(count))));
  }
}

INSTANTIATE_TEST_SUITE_P(All, OptimizerTest, ::testing::ValuesIn(kernels::available_isas()),
                         [](const auto& isa) { return std::string(isa_name(isa.param)); });

}  // namespace
}  // namespace onmal

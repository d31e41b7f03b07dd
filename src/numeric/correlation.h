#pragma once

#include <span>

namespace onmal {

// Pearson's correlation of as many x as y; NaN where one of them does not vary.
double correlation(std::span<const double> x, std::span<const double> y);

}  // namespace onmal

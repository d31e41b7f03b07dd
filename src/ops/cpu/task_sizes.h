#pragma once

#include <algorithm>
#include <cstdint>

// How a product with a matrix of weights is cut into tasks.
namespace onmal::cpu {

constexpr int64_t kTasks = 16;
constexpr int64_t kFewestOutputs = 16;                // a task's: short streams are slow to start
constexpr int64_t kMostTaskBytes = int64_t{1} << 18;  // of its weights: they stay in its cache

inline int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

// Outputs a task makes, in fours, where one output reads row_bytes of weights.
inline int64_t outputs_per_task(int64_t outputs, int64_t row_bytes) {
  const int64_t most = std::max(kFewestOutputs, kMostTaskBytes / row_bytes);
  return std::clamp(outputs / kTasks, kFewestOutputs, most) / 4 * 4;
}

}  // namespace onmal::cpu

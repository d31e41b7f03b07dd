#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"
#include "words/projection.h"

namespace onmal {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void normalize(Vector& v) {
  const double length = std::sqrt(dot(v, v));
  if (length == 0) return;
  for (double& value : v) value /= length;
}

// centered^T · (centered · direction): never the covariance itself.
Vector times_covariance(const std::vector<Vector>& centered, const Vector& direction) {
  Vector out(direction.size());
  for (const Vector& row : centered) {
    const double share = dot(row, direction);
    for (size_t i = 0; i < row.size(); ++i) out[i] += share * row[i];
  }
  return out;
}

}  // namespace

std::vector<Point> project_pca(std::span<const float> rows, int64_t dim) {
  ONMAL_ASSERT(dim > 0 && rows.size() % static_cast<size_t>(dim) == 0);
  const auto width = static_cast<size_t>(dim);
  const size_t count = rows.size() / width;
  std::vector<Vector> centered(count, Vector(width));
  for (size_t i = 0; i < width; ++i) {
    double mean = 0;
    for (size_t row = 0; row < count; ++row) mean += static_cast<double>(rows[row * width + i]);
    mean /= static_cast<double>(std::max<size_t>(1, count));
    for (size_t row = 0; row < count; ++row)
      centered[row][i] = static_cast<double>(rows[row * width + i]) - mean;
  }
  Rng rng(1);
  Vector axes[2] = {Vector(width), Vector(width)};
  for (Vector& axis : axes) {
    for (double& value : axis) value = rng.normal();
  }
  constexpr int kIterations = 200;
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    for (Vector& axis : axes) axis = times_covariance(centered, axis);
    normalize(axes[0]);
    const double overlap = dot(axes[0], axes[1]);
    for (size_t i = 0; i < width; ++i) axes[1][i] -= overlap * axes[0][i];
    normalize(axes[1]);
  }
  for (Vector& axis : axes) {
    const double largest = *std::max_element(
        axis.begin(), axis.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (largest < 0) {
      for (double& value : axis) value = -value;
    }
  }
  std::vector<Point> points;
  for (const Vector& row : centered) points.push_back({dot(row, axes[0]), dot(row, axes[1])});
  return points;
}

}  // namespace onmal

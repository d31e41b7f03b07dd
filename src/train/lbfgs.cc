#include "train/lbfgs.h"

#include <cmath>
#include <deque>

namespace onmal {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

struct Pair {
  Vector step, change;  // of x and of the gradient
  double inverse;       // 1 / (step · change)
};

// -H · gradient by the two loops over what was seen last.
Vector descent(const std::deque<Pair>& pairs, const Vector& gradient) {
  Vector direction = gradient;
  Vector factors(pairs.size());
  for (size_t p = pairs.size(); p-- > 0;) {
    factors[p] = pairs[p].inverse * dot(pairs[p].step, direction);
    for (size_t i = 0; i < direction.size(); ++i) direction[i] -= factors[p] * pairs[p].change[i];
  }
  const double scale =
      pairs.empty() ? 1 / std::max(1.0, std::sqrt(dot(gradient, gradient)))
                    : 1 / (pairs.back().inverse * dot(pairs.back().change, pairs.back().change));
  for (double& value : direction) value *= scale;
  for (size_t p = 0; p < pairs.size(); ++p) {
    const double back = pairs[p].inverse * dot(pairs[p].change, direction);
    for (size_t i = 0; i < direction.size(); ++i)
      direction[i] += (factors[p] - back) * pairs[p].step[i];
  }
  for (double& value : direction) value = -value;
  return direction;
}

}  // namespace

double minimize_lbfgs(
    FunctionRef<double(std::span<const double> x, std::span<double> gradient)> function, Vector& x,
    const LbfgsOptions& options) {
  constexpr double kArmijo = 1e-4;
  constexpr int kMostHalvings = 30;
  Vector gradient(x.size());
  double value = function(x, gradient);
  const double first = std::sqrt(dot(gradient, gradient));
  std::deque<Pair> pairs;
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    if (std::sqrt(dot(gradient, gradient)) <= options.tolerance * first) break;
    const Vector direction = descent(pairs, gradient);
    const double slope = dot(direction, gradient);
    if (!(slope < 0)) break;
    Pair pair{Vector(x.size()), Vector(x.size()), 0};
    Vector next(x.size()), there(x.size());
    double length = 1, reached = value;
    int halvings = 0;
    for (; halvings < kMostHalvings; ++halvings, length /= 2) {
      for (size_t i = 0; i < x.size(); ++i) next[i] = x[i] + length * direction[i];
      reached = function(next, there);
      if (reached <= value + kArmijo * length * slope) break;
    }
    if (halvings == kMostHalvings) break;
    for (size_t i = 0; i < x.size(); ++i) {
      pair.step[i] = next[i] - x[i];
      pair.change[i] = there[i] - gradient[i];
    }
    const double curvature = dot(pair.step, pair.change);
    x = std::move(next);
    gradient = std::move(there);
    value = reached;
    if (!(curvature > 0)) continue;
    pair.inverse = 1 / curvature;
    pairs.push_back(std::move(pair));
    if (pairs.size() > static_cast<size_t>(options.history)) pairs.pop_front();
  }
  return value;
}

}  // namespace onmal

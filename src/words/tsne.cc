#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "words/projection.h"

namespace onmal {
namespace {

constexpr double kExaggeration = 12;
constexpr int kExaggerated = 250;  // iterations
constexpr int64_t kGrain = 16;     // rows of a task

// Squared distances of unit vectors, [n, n].
std::vector<float> squared_distances(std::span<const float> rows, size_t width, ThreadPool& pool) {
  const size_t count = rows.size() / width;
  std::vector<double> lengths(count);
  for (size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (size_t k = 0; k < width; ++k) {
      const auto value = static_cast<double>(rows[i * width + k]);
      sum += value * value;
    }
    lengths[i] = sum > 0 ? std::sqrt(sum) : 1;
  }
  std::vector<float> out(count * count);
  pool.for_blocks(0, static_cast<int64_t>(count), kGrain, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      for (size_t j = 0; j < count; ++j) {
        double sum = 0;
        for (size_t k = 0; k < width; ++k)
          sum +=
              static_cast<double>(rows[i * width + k]) * static_cast<double>(rows[j * width + k]);
        out[i * count + j] =
            static_cast<float>(std::max(0.0, 2 - 2 * sum / (lengths[i] * lengths[j])));
      }
    }
  });
  return out;
}

// One row's conditional probabilities, by the width at which their perplexity is as wanted.
void fit_row(const float* distances, size_t self, size_t count, double perplexity, float* out) {
  double precision = 1;
  double low = 0;
  double high = 0;  // 0: not found yet
  const double wanted = std::log(perplexity);
  double nearest = 4;
  for (size_t j = 0; j < count; ++j) {
    if (j != self) nearest = std::min(nearest, static_cast<double>(distances[j]));
  }
  for (int step = 0; step < 64; ++step) {
    double total = 0;
    double weighted = 0;
    for (size_t j = 0; j < count; ++j) {
      const double distance = static_cast<double>(distances[j]) - nearest;
      const double p = j == self ? 0 : std::exp(-precision * distance);
      out[j] = static_cast<float>(p);
      total += p;
      weighted += p * distance;
    }
    for (size_t j = 0; j < count; ++j) out[j] /= static_cast<float>(total);
    const double entropy = std::log(total) + precision * weighted / total;
    if (std::abs(entropy - wanted) < 1e-5) return;
    if (entropy > wanted) {
      low = precision;
      precision = high > 0 ? (low + high) / 2 : 2 * precision;
    } else {
      high = precision;
      precision = (low + high) / 2;
    }
  }
}

std::vector<float> joint_probabilities(std::span<const float> rows, size_t width, double perplexity,
                                       ThreadPool& pool) {
  const std::vector<float> distances = squared_distances(rows, width, pool);
  const size_t count = rows.size() / width;
  std::vector<float> p(count * count);
  pool.for_blocks(0, static_cast<int64_t>(count), kGrain, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      fit_row(distances.data() + i * count, i, count, perplexity, p.data() + i * count);
  });
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < i; ++j) {
      const float mean = (p[i * count + j] + p[j * count + i]) / static_cast<float>(2 * count);
      p[i * count + j] = p[j * count + i] = std::max(mean, 1e-12F);
    }
  }
  return p;
}

class Descent {
 public:
  Descent(std::vector<float> p, size_t count, uint64_t seed, ThreadPool& pool)
      : p_(std::move(p)),
        pool_(pool),
        points_(count),
        speed_(count),
        gains_(count, {1, 1}),
        forces_(count),
        sums_(count) {
    Rng rng(seed);
    for (Point& point : points_) point = {1e-4 * rng.normal(), 1e-4 * rng.normal()};
  }

  void step(int iteration) {
    const double exaggeration = iteration < kExaggerated ? kExaggeration : 1;
    const double momentum = iteration < kExaggerated ? 0.5 : 0.8;
    const auto count = static_cast<int64_t>(points_.size());
    pool_.for_blocks(0, count, kGrain, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) sum_row(i);
    });
    double total = 0;
    for (const double sum : sums_) total += sum;
    pool_.for_blocks(0, count, kGrain, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
        push_row(i, exaggeration, total);
    });
    // As openTSNE and scikit-learn choose it: a small picture needs small steps.
    const double rate = std::max(static_cast<double>(count) / kExaggeration / 4, 10.0);
    for (size_t i = 0; i < points_.size(); ++i) {
      move(forces_[i].x, rate, momentum, speed_[i].x, gains_[i].x, points_[i].x);
      move(forces_[i].y, rate, momentum, speed_[i].y, gains_[i].y, points_[i].y);
    }
  }

  const std::vector<Point>& points() const { return points_; }

 private:
  // Student's t with one degree of freedom, not normalised.
  double closeness(size_t i, size_t j) const {
    const double x = points_[i].x - points_[j].x;
    const double y = points_[i].y - points_[j].y;
    return 1 / (1 + x * x + y * y);
  }

  void sum_row(size_t i) {
    double sum = 0;
    for (size_t j = 0; j < points_.size(); ++j) sum += j == i ? 0 : closeness(i, j);
    sums_[i] = sum;
  }

  void push_row(size_t i, double exaggeration, double total) {
    Point force = {0, 0};
    const float* p = p_.data() + i * points_.size();
    for (size_t j = 0; j < points_.size(); ++j) {
      if (j == i) continue;
      const double q = closeness(i, j);
      const double factor = 4 * (exaggeration * static_cast<double>(p[j]) - q / total) * q;
      force.x += factor * (points_[i].x - points_[j].x);
      force.y += factor * (points_[i].y - points_[j].y);
    }
    forces_[i] = force;
  }

  // Gradient descent with momentum and a gain per coordinate (Jacobs, 1988).
  static void move(double force, double rate, double momentum, double& speed, double& gain,
                   double& place) {
    gain = std::max(0.01, (force > 0) != (speed > 0) ? gain + 0.2 : gain * 0.8);
    speed = momentum * speed - rate * gain * force;
    place += speed;
  }

  std::vector<float> p_;
  ThreadPool& pool_;
  std::vector<Point> points_;
  std::vector<Point> speed_;
  std::vector<Point> gains_;
  std::vector<Point> forces_;
  std::vector<double> sums_;
};

}  // namespace

std::vector<Point> project_tsne(std::span<const float> rows, int64_t dim,
                                const TsneOptions& options, ThreadPool& pool,
                                const std::function<void(int done)>& progress,
                                const std::stop_token& stop) {
  ONMAL_ASSERT(dim > 0 && rows.size() % static_cast<size_t>(dim) == 0);
  const size_t count = rows.size() / static_cast<size_t>(dim);
  if (count > kMostTsnePoints) {
    throw Error(ErrorCode::kResource, "t-SNE", std::to_string(count) + " points are too many",
                "give at most " + std::to_string(kMostTsnePoints) + ", or use PCA");
  }
  if (count < 4) return project_pca(rows, dim);  // too few for neighbourhoods
  const auto most = static_cast<double>(count - 1) / 3;
  double perplexity = options.perplexity > 0
                          ? options.perplexity
                          : std::clamp(static_cast<double>(count) / 4, 2.0, 30.0);
  perplexity = std::clamp(perplexity, 1.0, std::max(1.0, most));
  Descent descent(joint_probabilities(rows, static_cast<size_t>(dim), perplexity, pool), count,
                  options.seed, pool);
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "t-SNE", "stopped");
    descent.step(iteration);
    if (progress) progress(iteration + 1);
  }
  return descent.points();
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/thread_pool.h"

namespace onmal {

struct Point {
  double x;
  double y;
};

// The two directions in which the rows [n, dim] vary most (orthogonal iteration on the covariance).
// Each direction's largest coefficient is positive, so that the picture does not flip.
std::vector<Point> project_pca(std::span<const float> rows, int64_t dim);

struct TsneOptions {
  double perplexity = 0;  // 0: a quarter of the points, 2 to 30
  int iterations = 750;
  uint64_t seed = 1;
};

// t-SNE (van der Maaten & Hinton, 2008) of rows at length 1, exact: n^2 work per iteration, so at
// most kMostTsnePoints points, else Error(kResource). Same seed, same picture, for any number of
// threads. Throws Error(kCancelled).
inline constexpr size_t kMostTsnePoints = 5000;
std::vector<Point> project_tsne(std::span<const float> rows, int64_t dim,
                                const TsneOptions& options, ThreadPool& pool,
                                const std::function<void(int done)>& progress = {},
                                const std::stop_token& stop = {});

}  // namespace onmal

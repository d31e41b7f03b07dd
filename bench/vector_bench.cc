// vector_bench [VECTORS [DIMENSIONS [QUERIES]]]: nearest neighbours of clustered vectors by the
// index of src/knowledge and, where its headers are installed, by a graph (hnswlib): recall@10
// against exact f32 dot products, milliseconds a query, seconds to build, bytes.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/timer.h"
#include "knowledge/dense/vector_index.h"

#if defined(ONMAL_HAVE_HNSWLIB)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <hnswlib/hnswlib.h>
#pragma GCC diagnostic pop
#endif

namespace onmal {
namespace {

constexpr size_t kNeighbours = 10;
constexpr double kSpread = 0.8;  // of a cluster, beside a centre of length 1

struct Data {
  size_t dimensions = 0, count = 0;
  std::vector<float> vectors, queries;
  std::vector<std::set<int64_t>> nearest;  // by query
};

void write_unit(Rng& rng, const float* centre, double spread, size_t dimensions, float* out) {
  double squares = 0;
  const double each = spread / std::sqrt(static_cast<double>(dimensions));
  for (size_t i = 0; i < dimensions; ++i) {
    const double value = (centre != nullptr ? static_cast<double>(centre[i]) : 0.0) +
                         each * static_cast<double>(rng.normal());
    out[i] = static_cast<float>(value);
    squares += value * value;
  }
  const auto factor = static_cast<float>(1.0 / std::sqrt(squares));
  for (size_t i = 0; i < dimensions; ++i) out[i] *= factor;
}

// A mixture of about sqrt(count) clusters; queries come from it too.
Data make_data(size_t count, size_t dimensions, size_t queries) {
  Rng rng(11);
  Data data;
  data.dimensions = dimensions;
  data.count = count;
  const auto clusters = static_cast<size_t>(std::sqrt(static_cast<double>(count)));
  std::vector<float> centres(clusters * dimensions);
  for (size_t i = 0; i < clusters; ++i)
    write_unit(rng, nullptr, 1.0, dimensions, centres.data() + i * dimensions);
  const auto fill = [&](std::vector<float>& vectors, size_t rows) {
    vectors.resize(rows * dimensions);
    for (size_t i = 0; i < rows; ++i) {
      const float* centre = centres.data() + rng.below(clusters) * dimensions;
      write_unit(rng, centre, kSpread, dimensions, vectors.data() + i * dimensions);
    }
  };
  fill(data.vectors, count);
  fill(data.queries, queries);
  std::vector<std::pair<float, int64_t>> scores(count);
  for (size_t q = 0; q < queries; ++q) {
    const float* query = data.queries.data() + q * dimensions;
    for (size_t i = 0; i < count; ++i) {
      const float* vector = data.vectors.data() + i * dimensions;
      float sums[8] = {};
      for (size_t d = 0; d + 8 <= dimensions; d += 8)
        for (size_t lane = 0; lane < 8; ++lane) sums[lane] += vector[d + lane] * query[d + lane];
      float sum = 0;
      for (const float part : sums) sum += part;
      scores[i] = {-sum, static_cast<int64_t>(i)};
    }
    std::partial_sort(scores.begin(), scores.begin() + kNeighbours, scores.end());
    std::set<int64_t>& nearest = data.nearest.emplace_back();
    for (size_t i = 0; i < kNeighbours; ++i) nearest.insert(scores[i].second);
  }
  return data;
}

void report(const std::string& name, const Data& data, double build_seconds, double bytes,
            const std::function<std::vector<int64_t>(const float* query)>& search) {
  std::vector<double> milliseconds;
  size_t found = 0;
  for (size_t q = 0; q < data.nearest.size(); ++q) {
    const Timer timer;
    const std::vector<int64_t> hits = search(data.queries.data() + q * data.dimensions);
    milliseconds.push_back(timer.seconds() * 1e3);
    for (const int64_t hit : hits) found += data.nearest[q].count(hit);
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const size_t n = milliseconds.size();
  std::printf("%-28s %9.4f %9.3f %9.3f %9.2f %10.1f\n", name.c_str(),
              static_cast<double>(found) / static_cast<double>(n * kNeighbours),
              milliseconds[n / 2], milliseconds[n * 99 / 100], build_seconds, bytes / 1e6);
  std::fflush(stdout);
}

void measure_ours(const Data& data, const std::string& name, const VectorIndexOptions& options,
                  FunctionRef<bool(int64_t)> visible) {
  const Timer timer;
  VectorIndex index(static_cast<int64_t>(data.dimensions), options);
  for (size_t i = 0; i < data.count; ++i) {
    index.add(static_cast<int64_t>(i),
              quantize_vector({data.vectors.data() + i * data.dimensions, data.dimensions}));
  }
  report(name, data, timer.seconds(), static_cast<double>(index.bytes()), [&](const float* query) {
    std::vector<int64_t> chunks;
    for (const VectorHit& hit : index.search({query, data.dimensions}, kNeighbours, visible))
      chunks.push_back(hit.chunk);
    return chunks;
  });
}

#if defined(ONMAL_HAVE_HNSWLIB)
void measure_graph(const Data& data) {
  const Timer timer;
  hnswlib::InnerProductSpace space(data.dimensions);
  constexpr size_t kLinks = 16, kBuildWidth = 100;
  hnswlib::HierarchicalNSW<float> graph(&space, data.count, kLinks, kBuildWidth);
  for (size_t i = 0; i < data.count; ++i)
    graph.addPoint(data.vectors.data() + i * data.dimensions, i);
  const double seconds = timer.seconds();
  const double bytes = static_cast<double>(
      data.count * (data.dimensions * sizeof(float) + 2 * kLinks * sizeof(int) + 16));
  for (const size_t width : {32, 64, 128, 256}) {
    graph.setEf(width);
    report("hnswlib M=16 ef=" + std::to_string(width), data, seconds, bytes,
           [&](const float* query) {
             std::vector<int64_t> chunks;
             auto found = graph.searchKnn(query, kNeighbours);
             for (; !found.empty(); found.pop())
               chunks.push_back(static_cast<int64_t>(found.top().second));
             return chunks;
           });
  }
}
#endif

void measure(size_t count, size_t dimensions, size_t queries) {
  const Data data = make_data(count, dimensions, queries);
  std::printf("%zu vectors of %zu dimensions, %zu queries\n", count, dimensions, queries);
  std::printf("%-28s %9s %9s %9s %9s %10s\n", "", "recall@10", "p50 ms", "p99 ms", "build s", "MB");
  const auto all = [](int64_t) { return true; };
  VectorIndexOptions options;
  options.exact_below = int64_t{1} << 40;
  measure_ours(data, "bytes, all compared", options, all);
  options.exact_below = 0;
  for (const int bits : {1, 2, 4}) {
    for (const int64_t least : {200, 1000}) {
      options.query_bits = bits;
      options.least_candidates = least;
      const std::string name =
          "signs, " + std::to_string(bits) + "-bit query, " + std::to_string(least);
      measure_ours(data, name, options, all);
    }
  }
#if defined(ONMAL_HAVE_HNSWLIB)
  if (count <= 200000) measure_graph(data);
#endif
}

}  // namespace
}  // namespace onmal

int main(int argc, char** argv) {
  const auto number = [&](int index, size_t usual) {
    return argc > index ? static_cast<size_t>(std::strtoull(argv[index], nullptr, 10)) : usual;
  };
  const size_t count = number(1, 10000), dimensions = number(2, 256), queries = number(3, 200);
  if (count < 100 || dimensions < 8 || dimensions > 4096 || dimensions % 8 > 0 || queries < 1) {
    std::fprintf(stderr, "usage: vector_bench [VECTORS [DIMENSIONS [QUERIES]]]\n");
    return 2;
  }
  onmal::measure(count, dimensions, queries);
  return 0;
}

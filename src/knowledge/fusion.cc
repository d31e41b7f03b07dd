#include "knowledge/fusion.h"

#include <algorithm>
#include <map>

namespace onmal {
namespace {

void add(const std::vector<ScoredChunk>& hits, double weight, std::map<int64_t, double>& scores) {
  if (hits.empty()) return;
  const double least = hits.back().score;
  const double span = hits.front().score - least;
  for (const ScoredChunk& hit : hits)
    scores[hit.chunk] += weight * (span > 0 ? (hit.score - least) / span : 1);
}

}  // namespace

std::vector<ScoredChunk> fuse(const std::vector<ScoredChunk>& by_terms,
                              const std::vector<ScoredChunk>& by_vectors,
                              const FusionOptions& options) {
  std::map<int64_t, double> scores;
  add(by_terms, 1 - options.vector_weight, scores);
  add(by_vectors, options.vector_weight, scores);
  std::vector<ScoredChunk> fused;
  for (const auto& [chunk, score] : scores) fused.push_back({chunk, score});
  std::stable_sort(fused.begin(), fused.end(),
                   [](const ScoredChunk& a, const ScoredChunk& b) { return a.score > b.score; });
  return fused;
}

}  // namespace onmal

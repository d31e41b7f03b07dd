#include "knowledge/fusion.h"

#include <algorithm>
#include <map>

namespace onmal {
namespace {

// Adds weight * score of the list's chunks to `scores`, of all others weight * `other`.
void add(const std::vector<ScoredChunk>& hits, double weight, double other,
         std::map<int64_t, double>& scores) {
  for (auto& [chunk, score] : scores) score += weight * other;
  for (const ScoredChunk& hit : hits) scores.at(hit.chunk) += weight * (hit.score - other);
}

}  // namespace

std::vector<ScoredChunk> fuse(const FusionInput& found, const FusionOptions& options) {
  std::map<int64_t, double> scores;
  for (const auto* list : {&found.by_terms, &found.by_vectors})
    for (const ScoredChunk& hit : *list) scores.emplace(hit.chunk, 0.0);
  if (found.possible > 0) {
    const bool cut = found.more_terms && !found.by_terms.empty();
    add(found.by_terms, 1 / found.possible, cut ? found.by_terms.back().score : 0, scores);
  }
  if (!found.by_vectors.empty())
    add(found.by_vectors, options.vector_weight, found.by_vectors.back().score, scores);
  std::vector<ScoredChunk> fused;
  for (const auto& [chunk, score] : scores) fused.push_back({chunk, score});
  std::stable_sort(fused.begin(), fused.end(),
                   [](const ScoredChunk& a, const ScoredChunk& b) { return a.score > b.score; });
  return fused;
}

}  // namespace onmal

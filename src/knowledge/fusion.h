#pragma once

#include <vector>

#include "knowledge/lexical/segment.h"

namespace onmal {

struct FusionOptions {
  double vector_weight = 0.2;  // of a cosine of 1, where finding all terms counts 1 (docs/LOG.md)
};

// What two searches found, each best first.
struct FusionInput {
  std::vector<ScoredChunk> by_terms;
  double possible = 0;      // the highest BM25 score that the query could reach
  bool more_terms = false;  // by_terms was cut: chunks that it lacks may have up to its last score
  std::vector<ScoredChunk> by_vectors;  // scores are cosines
};

// One ranking: BM25 as a share of what the query could reach, and the cosine by its weight. So
// words decide where the query's words are found, and meaning where they are not. A chunk that only
// one list holds has the other's last score. Equal ones by ascending chunk.
std::vector<ScoredChunk> fuse(const FusionInput& found, const FusionOptions& options = {});

}  // namespace onmal

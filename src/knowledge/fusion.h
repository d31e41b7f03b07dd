#pragma once

#include <vector>

#include "knowledge/lexical/segment.h"

namespace onmal {

struct FusionOptions {
  double vector_weight = 0.3;  // of the vectors' list; the terms' has the rest
};

// One ranking of two, best first: each list's scores are stretched to 0 to 1 (its last one is 0, so
// that what a list does not hold has less than all it holds), and added by weight. Equal ones by
// ascending chunk.
std::vector<ScoredChunk> fuse(const std::vector<ScoredChunk>& by_terms,
                              const std::vector<ScoredChunk>& by_vectors,
                              const FusionOptions& options = {});

}  // namespace onmal

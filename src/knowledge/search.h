#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/analyzer.h"
#include "knowledge/embedder.h"
#include "knowledge/passage.h"
#include "knowledge/store/store.h"

namespace onmal {

enum class SearchMode : uint8_t {
  kAuto,     // both where the store has vectors and the embedder that made them is here
  kLexical,  // by terms: BM25
  kDense,    // by meaning: vectors
  kHybrid,
};

struct SearchOptions {
  int64_t k = 10;
  SearchMode mode = SearchMode::kAuto;
  Access access = {};
};

struct SearchTimes {
  double lexical_s = 0;
  double dense_s = 0;
  double read_s = 0;  // of the passages
};

// Finds passages of a store. One per thread; the store may be shared.
class KnowledgeSearch {
 public:
  // `embedder` may be null.
  KnowledgeSearch(KnowledgeStore& store, Embedder* embedder);

  // The best k, best first; those that overlap a better one of their document are kept. Throws
  // Error(kInvalidArgument) for a k below 1, a blank query or one that is not UTF-8, and for a
  // dense search without the embedder that made the vectors.
  std::vector<Passage> find(const std::string& query, const SearchOptions& options,
                            SearchTimes* times = nullptr, const std::stop_token& stop = {});

 private:
  bool use_vectors(SearchMode mode);

  KnowledgeStore& store_;
  Embedder* embedder_;
  Analyzer analyzer_;
};

}  // namespace onmal

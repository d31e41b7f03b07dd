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

class Reranker;

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
  int64_t rerank_depth = 50;  // so many of the best are judged by the reranker, if there is one
};

struct SearchTimes {
  double lexical_s = 0;
  double dense_s = 0;
  double read_s = 0;  // of the passages
  double rerank_s = 0;
};

// Finds passages of a store. One per thread; the store may be shared.
class KnowledgeSearch {
 public:
  // `embedder` and `reranker` may be null.
  KnowledgeSearch(KnowledgeStore& store, Embedder* embedder, Reranker* reranker = nullptr);

  // The best k, best first; those that overlap a better one of their document are kept. A hybrid
  // search fuses words and vectors (fusion.h), moves the question's vector toward the best three
  // passages and fuses again; it leaves out what has no word of the question and little of its
  // meaning. Throws
  // Error(kInvalidArgument) for a k below 1, a blank query or one that is not UTF-8, and for a
  // dense search without the embedder that made the vectors.
  std::vector<Passage> find(const std::string& query, const SearchOptions& options,
                            SearchTimes* times = nullptr, const std::stop_token& stop = {});

 private:
  bool use_vectors(SearchMode mode);
  std::vector<ScoredChunk> rank(const std::string& query, const SearchOptions& options,
                                int64_t wanted, SearchTimes& spent, const std::stop_token& stop);
  void add_feedback(const std::vector<ScoredChunk>& best, std::vector<float>& query);
  void rerank(const std::string& query, const SearchOptions& options,
              std::vector<Passage>& passages, const std::stop_token& stop);

  KnowledgeStore& store_;
  Embedder* embedder_;
  Reranker* reranker_;
  Analyzer analyzer_;
};

}  // namespace onmal

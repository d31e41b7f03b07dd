#include "knowledge/search.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/timer.h"
#include "knowledge/fusion.h"
#include "knowledge/lexical/terms.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// So many of each list are fused: enough for what both find to rise.
constexpr int64_t kFewestCandidates = 100;

void check_query(const std::string& query, const SearchOptions& options) {
  if (options.k < 1) throw Error(ErrorCode::kInvalidArgument, "search", "k must be at least 1");
  const size_t bad = find_invalid_utf8(query);
  if (bad != std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument, "search",
                "the question is not UTF-8 at byte " + std::to_string(bad));
  }
  if (query.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error(ErrorCode::kInvalidArgument, "search", "the question is blank");
}

}  // namespace

KnowledgeSearch::KnowledgeSearch(KnowledgeStore& store, Embedder* embedder)
    : store_(store), embedder_(embedder) {}

bool KnowledgeSearch::use_vectors(SearchMode mode) {
  if (mode == SearchMode::kLexical) return false;
  const std::string made_by = store_.embedder();
  const bool usable = embedder_ != nullptr && made_by == embedder_->identity();
  if (mode == SearchMode::kAuto || usable) return usable;
  if (made_by.empty()) {
    throw Error(ErrorCode::kInvalidArgument, store_.where(), "holds no vectors",
                "add the documents with an embedder, or search by words");
  }
  throw Error(ErrorCode::kInvalidArgument, store_.where(),
              "its vectors are of another model (" + made_by + ")",
              embedder_ == nullptr ? "give that model as the embedder"
                                   : "give that model, not " + embedder_->identity());
}

std::vector<Passage> KnowledgeSearch::find(const std::string& query, const SearchOptions& options,
                                           SearchTimes* times, const std::stop_token& stop) {
  check_query(query, options);
  SearchTimes spent;
  const bool dense = use_vectors(options.mode);
  const bool lexical = options.mode != SearchMode::kDense;
  const int64_t candidates = dense && lexical ? std::max(options.k, kFewestCandidates) : options.k;
  std::vector<ScoredChunk> by_terms, by_vectors;
  if (lexical) {
    const Timer timer;
    by_terms = store_.search_terms(query_terms(analyzer_, query), candidates, options.access);
    spent.lexical_s = timer.seconds();
  }
  if (dense) {
    const Timer timer;
    const std::vector<std::string> texts = {query};
    by_vectors = store_.search_vectors(embedder_->embed(texts, EmbedSide::kQuery, stop), candidates,
                                       options.access);
    spent.dense_s = timer.seconds();
  }
  std::vector<ScoredChunk> best = !dense     ? std::move(by_terms)
                                  : !lexical ? std::move(by_vectors)
                                             : fuse(by_terms, by_vectors);
  if (best.size() > static_cast<size_t>(options.k)) best.resize(static_cast<size_t>(options.k));
  const Timer timer;
  std::vector<int64_t> chunks;
  std::unordered_map<int64_t, double> scores;
  for (const ScoredChunk& hit : best) {
    chunks.push_back(hit.chunk);
    scores.emplace(hit.chunk, hit.score);
  }
  std::vector<Passage> passages = store_.passages(chunks);
  for (Passage& passage : passages) passage.score = scores[passage.chunk];
  spent.read_s = timer.seconds();
  if (times != nullptr) *times = spent;
  return passages;
}

}  // namespace onmal

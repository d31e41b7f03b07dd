#include "knowledge/search.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/timer.h"
#include "knowledge/fusion.h"
#include "knowledge/lexical/terms.h"
#include "knowledge/reranker.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// So many of each list are fused: enough for what both find to rise.
constexpr int64_t kFewestCandidates = 100;
// What none of the question's words found must be so near, or every question would find something.
constexpr double kLeastCosine = 0.3;
constexpr size_t kFeedback = 3;  // passages that a question's vector is moved to

void check_query(const std::string& query, const SearchOptions& options) {
  if (options.k < 1) throw Error(ErrorCode::kInvalidArgument, "search", "k must be at least 1");
  if (options.rerank_depth < 1)
    throw Error(ErrorCode::kInvalidArgument, "search", "at least 1 passage must be judged again");
  const size_t bad = find_invalid_utf8(query);
  if (bad != std::string::npos) {
    throw Error(ErrorCode::kInvalidArgument, "search",
                "the question is not UTF-8 at byte " + std::to_string(bad));
  }
  if (query.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error(ErrorCode::kInvalidArgument, "search", "the question is blank");
}

}  // namespace

KnowledgeSearch::KnowledgeSearch(KnowledgeStore& store, Embedder* embedder, Reranker* reranker)
    : store_(store), embedder_(embedder), reranker_(reranker) {}

// The best `rerank_depth` in the reranker's order. Those behind them come last: they are not
// judged.
void KnowledgeSearch::rerank(const std::string& query, const SearchOptions& options,
                             std::vector<Passage>& passages, const std::stop_token& stop) {
  const size_t judged = std::min(passages.size(), static_cast<size_t>(options.rerank_depth));
  std::vector<std::string> texts;
  for (size_t i = 0; i < judged; ++i) {
    const std::string& title = passages[i].title;
    const bool twice = !passages[i].headings.empty() && passages[i].headings.front() == title;
    std::string text = title.empty() || twice ? "" : title + "\n";
    for (const std::string& heading : passages[i].headings) text += heading + "\n";
    texts.push_back(text + passages[i].text);
  }
  const std::vector<double> scores = reranker_->score(query, texts, stop);
  for (size_t i = 0; i < passages.size(); ++i) {
    passages[i].first_score = passages[i].score;
    passages[i].score = i < judged ? scores[i] : -1;
  }
  std::stable_sort(passages.begin(), passages.end(),
                   [](const Passage& a, const Passage& b) { return a.score > b.score; });
}

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

std::vector<ScoredChunk> KnowledgeSearch::rank(const std::string& query,
                                               const SearchOptions& options, int64_t wanted,
                                               SearchTimes& spent, const std::stop_token& stop) {
  const bool dense = use_vectors(options.mode);
  const bool lexical = options.mode != SearchMode::kDense;
  const int64_t candidates = dense && lexical ? std::max(wanted, kFewestCandidates) : wanted;
  FusionInput found;
  if (lexical) {
    const Timer timer;
    found.by_terms = store_.search_terms(query_terms(analyzer_, query), candidates, options.access,
                                         &found.possible);
    found.more_terms = static_cast<int64_t>(found.by_terms.size()) == candidates;
    spent.lexical_s = timer.seconds();
  }
  if (!dense) return std::move(found.by_terms);
  const Timer timer;
  const std::vector<std::string> texts = {query};
  std::vector<float> vector = embedder_->embed(texts, EmbedSide::kQuery, stop);
  found.by_vectors = store_.search_vectors(vector, candidates, options.access);
  if (!lexical) {
    spent.dense_s = timer.seconds();
    return std::move(found.by_vectors);
  }
  std::unordered_set<int64_t> fitting;
  for (const ScoredChunk& hit : found.by_terms) fitting.insert(hit.chunk);
  for (const ScoredChunk& hit : found.by_vectors)
    if (hit.score >= kLeastCosine) fitting.insert(hit.chunk);
  const auto fuse_fitting = [&] {
    std::vector<ScoredChunk> fused = fuse(found);
    std::erase_if(fused, [&](const ScoredChunk& hit) { return !fitting.contains(hit.chunk); });
    return fused;
  };
  add_feedback(fuse_fitting(), vector);
  found.by_vectors = store_.search_vectors(vector, candidates, options.access);
  spent.dense_s = timer.seconds();
  return fuse_fitting();
}

// Moves a question's vector half of the way to the mean of the best passages', each weighed by its
// score: what words found helps to find by meaning (Rocchio 1971, in the space of the vectors).
void KnowledgeSearch::add_feedback(const std::vector<ScoredChunk>& best,
                                   std::vector<float>& query) {
  std::vector<int64_t> chunks;
  for (size_t i = 0; i < std::min(best.size(), kFeedback); ++i) chunks.push_back(best[i].chunk);
  const std::vector<std::vector<float>> vectors = store_.vectors(chunks);
  std::vector<double> mean(query.size());
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (vectors[i].size() != query.size()) continue;
    for (size_t d = 0; d < mean.size(); ++d)
      mean[d] += std::max(best[i].score, 0.0) * static_cast<double>(vectors[i][d]);
  }
  const double length = std::sqrt(std::inner_product(mean.begin(), mean.end(), mean.begin(), 0.0));
  if (length <= 0) return;
  double squares = 0;
  for (size_t d = 0; d < mean.size(); ++d) {
    mean[d] = mean[d] / length + static_cast<double>(query[d]);
    squares += mean[d] * mean[d];
  }
  if (squares <= 0) return;
  for (size_t d = 0; d < mean.size(); ++d)
    query[d] = static_cast<float>(mean[d] / std::sqrt(squares));
}

std::vector<Passage> KnowledgeSearch::find(const std::string& query, const SearchOptions& options,
                                           SearchTimes* times, const std::stop_token& stop) {
  check_query(query, options);
  SearchTimes spent;
  const int64_t wanted =
      reranker_ == nullptr ? options.k : std::max(options.k, options.rerank_depth);
  std::vector<ScoredChunk> best = rank(query, options, wanted, spent, stop);
  if (best.size() > static_cast<size_t>(wanted)) best.resize(static_cast<size_t>(wanted));
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
  if (reranker_ != nullptr && !passages.empty()) {
    const Timer judging;
    rerank(query, options, passages, stop);
    spent.rerank_s = judging.seconds();
  }
  if (passages.size() > static_cast<size_t>(options.k))
    passages.resize(static_cast<size_t>(options.k));
  if (times != nullptr) *times = spent;
  return passages;
}

}  // namespace onmal

#include <memory>
#include <utility>

#include "base/error.h"
#include "evaluate/model_task.h"
#include "evaluate/retrieval_set.h"
#include "knowledge/dense/model_embedder.h"
#include "knowledge/dense/model_reranker.h"
#include "knowledge/dense/quantized_vector.h"
#include "knowledge/lexical/terms.h"
#include "knowledge/search.h"

namespace onmal {
namespace {

constexpr size_t kCommitPassages = 20'000;
constexpr int64_t kDepth = 100;

// A document a passage, whole, so that ranks are those of the set's passages.
std::unique_ptr<KnowledgeStore> fill_store(const RetrievalSet& set, Embedder* embedder,
                                           const std::stop_token& stop) {
  auto store = std::make_unique<KnowledgeStore>(open_sqlite(":memory:", false));
  if (embedder != nullptr) store->set_embedder(embedder->identity(), embedder->dimensions());
  const Analyzer analyzer;
  for (size_t begin = 0; begin < set.passages.size(); begin += kCommitPassages) {
    const size_t end = std::min(begin + kCommitPassages, set.passages.size());
    StoreBatch batch;
    std::vector<std::string> texts;
    for (size_t i = begin; i < end; ++i) {
      const RetrievalPassage& passage = set.passages[i];
      NewDocument document;
      document.info.source = passage.id;
      document.info.title = passage.title;
      NewChunk chunk;
      chunk.end = passage.text.size();
      chunk.text = passage.text;
      chunk.terms = chunk_terms(analyzer, passage.title, passage.text);
      document.chunks.push_back(std::move(chunk));
      batch.add.push_back(std::move(document));
      texts.push_back(passage.title.empty() ? passage.text : passage.title + "\n" + passage.text);
    }
    if (embedder != nullptr) {
      const std::vector<float> values = embedder->embed(texts, EmbedSide::kPassage, stop);
      const auto width = static_cast<size_t>(embedder->dimensions());
      for (size_t i = 0; i < texts.size(); ++i)
        batch.add[i].chunks[0].vector =
            encode_vector(quantize_vector(std::span(values).subspan(i * width, width)));
    }
    store->apply(batch);
  }
  return store;
}

std::vector<Metric> retrieval(const ModelTaskInput& input, SearchMode mode) {
  const RetrievalSet set = read_retrieval_set(input.data);
  std::unique_ptr<Embedder> embedder;
  if (!input.model.empty()) embedder = std::make_unique<ModelEmbedder>(input.model, *input.pool);
  const std::unique_ptr<KnowledgeStore> store = fill_store(set, embedder.get(), input.stop);
  std::unique_ptr<Reranker> reranker;
  if (!input.reranker.empty())
    reranker = std::make_unique<ModelReranker>(input.reranker, *input.pool);
  KnowledgeSearch searcher(*store, embedder.get(), reranker.get());
  SearchOptions options;
  options.k = kDepth;
  options.mode = mode;
  options.rerank_depth = input.rerank_depth;
  const size_t queries =
      input.limit == 0 ? set.queries.size() : std::min(input.limit, set.queries.size());
  std::vector<double> gains, reciprocal, first, ten, hundred;
  for (size_t i = 0; i < queries; ++i) {
    const RetrievalQuery& query = set.queries[i];
    std::vector<std::string> ranking;
    for (const Passage& passage : searcher.find(query.text, options, nullptr, input.stop))
      ranking.push_back(passage.source);
    gains.push_back(ndcg(ranking, query.relevant, 10));
    reciprocal.push_back(reciprocal_rank(ranking, query.relevant, 10));
    first.push_back(recall(ranking, query.relevant, 1));
    ten.push_back(recall(ranking, query.relevant, 10));
    hundred.push_back(recall(ranking, query.relevant, 100));
    if (input.progress) input.progress(i + 1, queries);
  }
  return {mean_metric("ndcg@10", std::move(gains)), mean_metric("mrr@10", std::move(reciprocal)),
          mean_metric("recall@1", std::move(first)), mean_metric("recall@10", std::move(ten)),
          mean_metric("recall@100", std::move(hundred))};
}

constexpr const char* kData = "(BEIR folder, SQuAD/KorQuAD .json, KoBEST BoolQ .tsv)";

}  // namespace

ModelTask retrieval_task() {
  return {"retrieval",
          std::string("passages found by words, with --model also by meaning ") + kData,
          [](const ModelTaskInput& input) { return retrieval(input, SearchMode::kAuto); }, false};
}

ModelTask dense_retrieval_task() {
  return {"dense-retrieval", std::string("passages found by a model's vectors alone ") + kData,
          [](const ModelTaskInput& input) { return retrieval(input, SearchMode::kDense); }};
}

}  // namespace onmal

#include "cli/know_store_options.h"

#include "cli/bundled_model.h"
#include "knowledge/dense/model_embedder.h"
#include "knowledge/dense/model_reranker.h"

namespace onmal {

void add_rerank_options(CLI::App& command, KnowStoreOptions& options) {
  command.add_option("--rerank", options.reranker,
                     "A cross-encoder (an encoder with a head of one label) that orders the best "
                     "passages anew");
  command
      .add_option("--rerank-depth", options.rerank_depth, "So many of the best passages it judges")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

void add_know_store_options(CLI::App& command, KnowStoreOptions& options, bool reads) {
  command
      .add_option("-k,--store", options.store,
                  "The store: a file, or postgresql://user@host/database")
      ->capture_default_str();
  command.add_option("--embedder", options.embedder,
                     "A model that turns texts into vectors, for search by meaning (default: a "
                     "small one that comes with the program)");
  command.add_flag("--no-embedder", options.no_embedder, "Search by words alone");
  if (!reads) return;
  add_rerank_options(command, options);
  command.add_option("--collection", options.collections, "Only documents of these collections")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command
      .add_option("--label", options.labels,
                  "A label the asker holds: of labelled documents only those with one of them are "
                  "seen; '' for none at all")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false)
      ->each([&options](const std::string&) { options.all_labels = false; });
}

std::unique_ptr<KnowledgeStore> open_store(const KnowStoreOptions& options, bool must_exist) {
  const bool server =
      options.store.starts_with("postgresql://") || options.store.starts_with("postgres://");
  return std::make_unique<KnowledgeStore>(server ? open_postgres(options.store)
                                                 : open_sqlite(options.store, must_exist));
}

std::unique_ptr<Embedder> open_embedder(const KnowStoreOptions& options, KnowledgeStore& store,
                                        ThreadPool& pool) {
  if (options.no_embedder) return nullptr;
  if (!options.embedder.empty()) return std::make_unique<ModelEmbedder>(options.embedder, pool);
  const std::string made_by = store.embedder();
  // A store of words alone stays one: its documents would have to be read anew.
  if (made_by.empty() && store.status().documents > 0) return nullptr;
  const std::filesystem::path own = find_bundled_model("embedding");
  if (own.empty()) return nullptr;
  auto embedder = std::make_unique<ModelEmbedder>(own, pool);
  if (!made_by.empty() && made_by != embedder->identity()) return nullptr;
  return embedder;
}

std::unique_ptr<Reranker> open_reranker(const KnowStoreOptions& options, ThreadPool& pool) {
  if (options.reranker.empty()) return nullptr;
  return std::make_unique<ModelReranker>(options.reranker, pool);
}

Access access_of(const KnowStoreOptions& options) {
  Access access;
  access.collections = options.collections;
  if (!options.all_labels) access.labels = options.labels;
  return access;
}

}  // namespace onmal

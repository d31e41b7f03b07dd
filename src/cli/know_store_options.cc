#include "cli/know_store_options.h"

#include "knowledge/dense/model_embedder.h"

namespace onmal {

void add_know_store_options(CLI::App& command, KnowStoreOptions& options, bool reads) {
  command
      .add_option("-k,--store", options.store,
                  "The store: a file, or postgresql://user@host/database")
      ->capture_default_str();
  command.add_option("--embedder", options.embedder,
                     "A model that turns texts into vectors, for search by meaning");
  if (!reads) return;
  command.add_option("--collection", options.collections, "Only documents of these collections")
      ->take_all()
      ->expected(1);
  command
      .add_option("--label", options.labels,
                  "A label the asker holds: of labelled documents only those with one of them are "
                  "seen; '' for none at all")
      ->take_all()
      ->expected(1)
      ->each([&options](const std::string&) { options.all_labels = false; });
}

std::unique_ptr<KnowledgeStore> open_store(const KnowStoreOptions& options, bool must_exist) {
  const bool server =
      options.store.starts_with("postgresql://") || options.store.starts_with("postgres://");
  return std::make_unique<KnowledgeStore>(server ? open_postgres(options.store)
                                                 : open_sqlite(options.store, must_exist));
}

std::unique_ptr<Embedder> open_embedder(const KnowStoreOptions& options, ThreadPool& pool) {
  if (options.embedder.empty()) return nullptr;
  return std::make_unique<ModelEmbedder>(options.embedder, pool);
}

Access access_of(const KnowStoreOptions& options) {
  Access access;
  access.collections = options.collections;
  if (!options.all_labels) access.labels = options.labels;
  return access;
}

}  // namespace onmal

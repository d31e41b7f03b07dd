#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "cli/command_context.h"
#include "knowledge/embedder.h"
#include "knowledge/reranker.h"
#include "knowledge/store/store.h"

namespace onmal {

// Which store, and who asks.
struct KnowStoreOptions {
  std::string store = "knowledge.db";
  std::string embedder;  // model file or folder; "": the program's own, where it fits the store
  bool no_embedder = false;
  std::string reranker;  // likewise; "": none
  int64_t rerank_depth = 50;
  std::vector<std::string> collections;
  std::vector<std::string> labels;
  bool all_labels = true;  // false once --label is given
};

// -k, --embedder and, with `reads`, --collection and --label as limits of what is seen.
void add_know_store_options(CLI::App& command, KnowStoreOptions& options, bool reads);

// A file, or PostgreSQL for "postgresql://…" and "postgres://…". `must_exist`: no new file is made.
std::unique_ptr<KnowledgeStore> open_store(const KnowStoreOptions& options, bool must_exist);

// --embedder's model; without it the one that comes with the program, where the store holds vectors
// of that one or nothing yet. Null where neither is, and with --no-embedder. The pool must outlive
// it.
std::unique_ptr<Embedder> open_embedder(const KnowStoreOptions& options, KnowledgeStore& store,
                                        ThreadPool& pool);

// Null without --rerank. The pool must outlive it.
std::unique_ptr<Reranker> open_reranker(const KnowStoreOptions& options, ThreadPool& pool);

// --rerank and --rerank-depth.
void add_rerank_options(CLI::App& command, KnowStoreOptions& options);

Access access_of(const KnowStoreOptions& options);

}  // namespace onmal

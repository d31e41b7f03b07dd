#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "cli/command_context.h"
#include "knowledge/embedder.h"
#include "knowledge/store/store.h"

namespace onmal {

// Which store, and who asks.
struct KnowStoreOptions {
  std::string store = "knowledge.db";
  std::string embedder;  // model file or folder; "": none
  std::vector<std::string> collections;
  std::vector<std::string> labels;
  bool all_labels = true;  // false once --label is given
};

// -k, --embedder and, with `reads`, --collection and --label as limits of what is seen.
void add_know_store_options(CLI::App& command, KnowStoreOptions& options, bool reads);

// A file, or PostgreSQL for "postgresql://…" and "postgres://…". `must_exist`: no new file is made.
std::unique_ptr<KnowledgeStore> open_store(const KnowStoreOptions& options, bool must_exist);

// Null without --embedder. The pool must outlive it.
std::unique_ptr<Embedder> open_embedder(const KnowStoreOptions& options, ThreadPool& pool);

Access access_of(const KnowStoreOptions& options);

}  // namespace onmal

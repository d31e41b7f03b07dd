#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "knowledge/chunk.h"
#include "knowledge/document.h"
#include "knowledge/embedder.h"
#include "knowledge/store/store.h"

namespace onmal {

struct AddOptions {
  std::string collection = "default";
  std::vector<std::string> labels = {};
  ChunkOptions chunk = {};
  ReadLimits limits = {};
  uint64_t batch_bytes = uint64_t{16} << 20;  // of files that are committed together, about
  bool remove_missing = false;                // documents of the folders given whose files are gone
};

struct AddProgress {
  size_t files = 0;  // looked at
  size_t all_files = 0;
  uint64_t bytes = 0;
  uint64_t all_bytes = 0;
};

struct RefusedFile {
  std::string path;
  std::string reason;
};

struct AddReport {
  int64_t added = 0;
  int64_t changed = 0;
  int64_t unchanged = 0;
  int64_t removed = 0;
  int64_t chunks = 0;       // new ones
  uint64_t text_bytes = 0;  // of the documents added or changed
  int64_t vectors_made = 0;
  int64_t vectors_kept = 0;  // of chunks that were known
  std::vector<RefusedFile> refused;
};

// Reads files, and folders with all below them (names that begin with a dot and what is no regular
// file left out), into a store, many at once on the pool. A file as it was added, by size and time
// or else by content, is passed over; of a changed one only new chunks get a vector (`embedder`
// null: none do). Each commit holds whole documents, so that work broken off goes on by doing it
// again. One unreadable file is reported and holds nobody up. Throws Error(kIo) for a path that is
// not there, Error(kInvalidArgument) for names with line feeds, Error(kCancelled) on a stop request
// after the documents done are committed; what the store throws.
AddReport add_files(KnowledgeStore& store, Embedder* embedder, ThreadPool& pool,
                    std::span<const std::filesystem::path> paths, const AddOptions& options,
                    FunctionRef<void(const AddProgress&)> progress,
                    const std::stop_token& stop = {});

}  // namespace onmal

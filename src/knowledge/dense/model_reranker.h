#pragma once

#include <filesystem>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "knowledge/reranker.h"
#include "models/cross_encoder.h"

namespace onmal {

// By a cross-encoder. Calls from several threads wait for each other.
class ModelReranker : public Reranker {
 public:
  // `pool` outlives it. Throws Error as CrossEncoder does.
  ModelReranker(const std::filesystem::path& path, ThreadPool& pool) : pool_(pool), model_(path) {}
  std::vector<double> score(const std::string& query, std::span<const std::string> passages,
                            const std::stop_token& stop = {}) override {
    const std::lock_guard lock(mutex_);
    return model_.score(pool_, query, passages, stop);
  }

 private:
  ThreadPool& pool_;
  CrossEncoder model_;
  std::mutex mutex_;
};

}  // namespace onmal

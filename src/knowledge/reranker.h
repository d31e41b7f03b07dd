#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace onmal {

// Judges passages for a question one by one, better than a search can and slower.
class Reranker {
 public:
  virtual ~Reranker() = default;
  // One score a passage, in order; higher is better. Throws Error(kCancelled) on a stop request.
  virtual std::vector<double> score(const std::string& query, std::span<const std::string> passages,
                                    const std::stop_token& stop = {}) = 0;
};

}  // namespace onmal

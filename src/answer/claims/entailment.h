#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"

namespace onmal {

// How likely a premise makes a hypothesis true, says nothing of it, or makes it false; sums to 1.
struct EntailmentScores {
  double entailment = 0;
  double neutral = 0;
  double contradiction = 0;
};

// A model of textual entailment.
class EntailmentModel {
 public:
  virtual ~EntailmentModel() = default;
  // In the order of the (premise, hypothesis) pairs. A stop request ends with Error(kCancelled).
  virtual std::vector<EntailmentScores> judge(
      std::span<const std::pair<std::string, std::string>> pairs,
      const std::stop_token& stop = {}) const = 0;
};

// A folder of Hugging Face's …ForSequenceClassification, ours or the user's own, whose labels are
// those of entailment: "entailment", "neutral", "contradiction" in any case and order (also
// "contradictory"), or two labels, "entailment" and "not_entailment" (its share counts as neutral).
// `pool` must outlive it. Throws Error(kUnsupported) for other labels, naming them, or for a model
// without a head that classifies.
std::unique_ptr<EntailmentModel> load_entailment_model(const std::filesystem::path& folder,
                                                       ThreadPool& pool);

}  // namespace onmal

#pragma once

#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "models/classifier.h"
#include "models/text_pair.h"

namespace onmal {

// An encoder that reads a query and a passage together and says how well the one answers the other:
// Hugging Face's …ForSequenceClassification with one label, or two of which the second is
// "relevant" (Nogueira & Cho 2019), and llama.cpp's "rank" models.
class CrossEncoder {
 public:
  // A pair has at most so many tokens, and no more than the model reads: a longer passage is cut,
  // and the query where it takes more than half.
  static constexpr int64_t kMostTokens = 512;

  // Throws Error as Classifier does, and Error(kUnsupported) for a head of another kind.
  explicit CrossEncoder(const std::filesystem::path& path, int64_t most_tokens = kMostTokens);

  // One score a passage, in order, from 0 to 1: the sigmoid of one label, or the share of the
  // second of two. Pairs run packed into batches. Throws Error(kCancelled) on a stop request.
  std::vector<double> score(ThreadPool& pool, const std::string& query,
                            std::span<const std::string> passages,
                            const std::stop_token& stop = {}) const;

  // The ids of a pair as the model was trained to read it.
  TextPair encode(std::string_view query, std::string_view passage) const;

 private:
  Classifier classifier_;
  int64_t most_tokens_ = 0;
};

}  // namespace onmal

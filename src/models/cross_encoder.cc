#include "models/cross_encoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

constexpr int64_t kPairTokensAtOnce = 4096;
constexpr int64_t kFewestTokens = 16;  // of a pair, for both texts to have room

double score_of(const float* logits, int64_t labels) {
  const double difference = static_cast<double>(labels == 1 ? logits[0] : logits[1] - logits[0]);
  return 1 / (1 + std::exp(-difference));
}

}  // namespace

CrossEncoder::CrossEncoder(const std::filesystem::path& path, int64_t most_tokens)
    : classifier_(path) {
  const ClassifierConfig& config = classifier_.config();
  const size_t labels = config.labels.size();
  const bool ranks = classifier_.is_encoder() && config.task != ClassifyTask::kTokens &&
                     (labels == 1 || (labels == 2 && config.task == ClassifyTask::kSingleLabel));
  if (!ranks) {
    throw Error(ErrorCode::kUnsupported, path.string(), "is no model that ranks passages",
                "give an encoder whose head has one label, or two");
  }
  most_tokens_ = std::min(classifier_.max_tokens(), most_tokens);
  if (most_tokens_ < kFewestTokens) {
    throw Error(ErrorCode::kUnsupported, path.string(),
                "reads " + std::to_string(most_tokens_) + " tokens only: too few for a pair");
  }
}

TextPair CrossEncoder::encode(std::string_view query, std::string_view passage) const {
  return encode_pair(classifier_.tokenizer(), query, passage, most_tokens_);
}

std::vector<double> CrossEncoder::score(ThreadPool& pool, const std::string& query,
                                        std::span<const std::string> passages,
                                        const std::stop_token& stop) const {
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  const auto labels = static_cast<int64_t>(classifier_.config().labels.size());
  std::vector<double> scores;
  for (size_t next = 0; next < passages.size();) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "rerank", "stopped");
    std::vector<std::vector<int32_t>> pairs;
    std::vector<int64_t> seconds;
    for (int64_t tokens = 0; next < passages.size() && tokens < kPairTokensAtOnce; ++next) {
      TextPair pair = encode(query, passages[next]);
      tokens += static_cast<int64_t>(pair.ids.size());
      pairs.push_back(std::move(pair.ids));
      seconds.push_back(pair.second);
    }
    const TextRows rows = classifier_.pack(memory, pairs, most_tokens_, seconds);
    const Tensor logits = classifier_.logits(exec, classifier_.features(exec, rows));
    for (size_t i = 0; i < pairs.size(); ++i)
      scores.push_back(score_of(logits.f32() + static_cast<int64_t>(i) * labels, labels));
  }
  return scores;
}

}  // namespace onmal

#include "models/cross_encoder.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace onmal {
namespace {

constexpr int64_t kTokensAtOnce = 4096;
constexpr int64_t kFewestTokens = 16;  // of a pair, for both texts to have room

// The tokens that are put before and behind a text.
void find_frame(const Tokenizer& tokenizer, std::vector<int32_t>& begin,
                std::vector<int32_t>& end) {
  const std::vector<int32_t> text = tokenizer.encode("a");
  const std::vector<int32_t> framed = tokenizer.encode("a", {.add_special = true});
  const auto at = std::search(framed.begin(), framed.end(), text.begin(), text.end());
  begin.assign(framed.begin(), at);
  if (at != framed.end()) end.assign(at + static_cast<std::ptrdiff_t>(text.size()), framed.end());
}

void cut(std::vector<int32_t>& ids, int64_t most) {
  if (static_cast<int64_t>(ids.size()) > most) ids.resize(static_cast<size_t>(most));
}

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
  find_frame(classifier_.tokenizer(), begin_, end_);
  two_separators_ = !end_.empty() && classifier_.tokenizer().piece(end_.front()) == "</s>";
}

std::vector<int32_t> CrossEncoder::encode(const std::string& query, const std::string& passage,
                                          int64_t* second) const {
  const Tokenizer& tokenizer = classifier_.tokenizer();
  const size_t separators = end_.size() * (two_separators_ ? 3 : 2);
  const int64_t room = most_tokens_ - static_cast<int64_t>(begin_.size() + separators);
  std::vector<int32_t> ids = tokenizer.encode(query);
  std::vector<int32_t> right = tokenizer.encode(passage);
  cut(ids, std::max(room / 2, room - static_cast<int64_t>(right.size())));
  cut(right, room - static_cast<int64_t>(ids.size()));
  ids.insert(ids.begin(), begin_.begin(), begin_.end());
  for (int i = 0; i < (two_separators_ ? 2 : 1); ++i)
    ids.insert(ids.end(), end_.begin(), end_.end());
  *second = static_cast<int64_t>(ids.size());
  ids.insert(ids.end(), right.begin(), right.end());
  ids.insert(ids.end(), end_.begin(), end_.end());
  return ids;
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
    for (int64_t tokens = 0; next < passages.size() && tokens < kTokensAtOnce; ++next) {
      seconds.push_back(0);
      pairs.push_back(encode(query, passages[next], &seconds.back()));
      tokens += static_cast<int64_t>(pairs.back().size());
    }
    const TextRows rows = classifier_.pack(memory, pairs, most_tokens_, seconds);
    const Tensor logits = classifier_.logits(exec, classifier_.features(exec, rows));
    for (size_t i = 0; i < pairs.size(); ++i)
      scores.push_back(score_of(logits.f32() + static_cast<int64_t>(i) * labels, labels));
  }
  return scores;
}

}  // namespace onmal

#include "models/text_pair.h"

#include <algorithm>

#include "base/error.h"

namespace onmal {
namespace {

constexpr int64_t kJudgedTokensAtOnce = 4096;

// What a vocabulary puts before and behind a text.
struct Around {
  std::vector<int32_t> before, between, behind;
};

Around around_texts(const Tokenizer& tokenizer) {
  Around result;
  const std::vector<int32_t> bare = tokenizer.encode("a");
  const std::vector<int32_t> whole = tokenizer.encode("a", {.add_special = true});
  const auto found = std::search(whole.begin(), whole.end(), bare.begin(), bare.end());
  if (found != whole.end()) {
    result.before.assign(whole.begin(), found);
    result.behind.assign(found + static_cast<std::ptrdiff_t>(bare.size()), whole.end());
  }
  result.between = result.behind;
  if (result.between.empty()) result.between = {std::max(0, tokenizer.end_id())};
  const bool doubled = !result.before.empty() && !result.behind.empty() &&
                       tokenizer.piece(result.before.front()) == "<s>";
  if (doubled)
    result.between.insert(result.between.end(), result.behind.begin(), result.behind.end());
  return result;
}

void append(std::vector<int32_t>& ids, const std::vector<int32_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

}  // namespace

TextPair encode_pair(const Tokenizer& tokenizer, std::string_view first, std::string_view second,
                     int64_t limit) {
  const Around around = around_texts(tokenizer);
  std::vector<int32_t> a = tokenizer.encode(first);
  std::vector<int32_t> b = tokenizer.encode(second);
  const auto around_size =
      static_cast<int64_t>(around.before.size() + around.between.size() + around.behind.size());
  const int64_t room = limit - around_size;
  ONMAL_ASSERT(room >= 2);
  TextPair pair;
  const auto cut = [&](std::vector<int32_t>& ids, int64_t most) {
    const auto size = static_cast<int64_t>(ids.size());
    if (size <= most) return;
    pair.dropped += size - most;
    ids.resize(static_cast<size_t>(most));
  };
  const auto size_a = static_cast<int64_t>(a.size());
  cut(b, std::max(room / 2, room - size_a));
  cut(a, room - static_cast<int64_t>(b.size()));
  append(pair.ids, around.before);
  append(pair.ids, a);
  append(pair.ids, around.between);
  pair.second = static_cast<int64_t>(pair.ids.size());
  append(pair.ids, b);
  append(pair.ids, around.behind);
  return pair;
}

std::vector<Classification> classify_pairs(
    const Classifier& classifier, ThreadPool& pool,
    std::span<const std::pair<std::string, std::string>> pairs, const std::stop_token& stop) {
  if (classifier.config().task != ClassifyTask::kSingleLabel) {
    throw Error(ErrorCode::kInvalidArgument, "classify_pairs",
                "pairs are judged by models with one label a text",
                "this one's task is " + classify_task_name(classifier.config().task));
  }
  const Backend backend = make_cpu_backend();
  CachingAllocator memory;
  Exec exec{&pool, &memory, &backend};
  const int64_t length = std::min(classifier.max_tokens(), kJudgedTokensAtOnce);
  const auto labels = static_cast<int64_t>(classifier.config().labels.size());
  std::vector<Classification> results;
  for (size_t next = 0; next < pairs.size();) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "classify", "stopped");
    std::vector<std::vector<int32_t>> group;
    std::vector<int64_t> seconds, dropped;
    for (int64_t tokens = 0; next < pairs.size() && tokens < kJudgedTokensAtOnce; ++next) {
      TextPair pair =
          encode_pair(classifier.tokenizer(), pairs[next].first, pairs[next].second, length);
      tokens += static_cast<int64_t>(pair.ids.size());
      group.push_back(std::move(pair.ids));
      seconds.push_back(pair.second);
      dropped.push_back(pair.dropped);
    }
    const TextRows rows = classifier.pack(memory, group, length, seconds);
    const Tensor logits = classifier.logits(exec, classifier.features(exec, rows));
    for (size_t i = 0; i < group.size(); ++i) {
      Classification result;
      result.scores = label_scores(ClassifyTask::kSingleLabel,
                                   logits.f32() + static_cast<int64_t>(i) * labels, labels);
      result.best = static_cast<size_t>(
          std::max_element(result.scores.begin(), result.scores.end()) - result.scores.begin());
      result.dropped = dropped[i];
      results.push_back(std::move(result));
    }
  }
  return results;
}

}  // namespace onmal

#include "words/word_corpus.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "base/error.h"

namespace onmal {
namespace {

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

// Words in the order in which they were first seen.
class Counter {
 public:
  int32_t count(std::string_view word) {
    auto found = numbers_.find(word);
    if (found == numbers_.end()) {
      if (counts_.size() == std::numeric_limits<int32_t>::max())
        throw Error(ErrorCode::kResource, "word corpus", "more than 2^31 different words");
      found = numbers_.emplace(word, static_cast<int32_t>(counts_.size())).first;
      counts_.push_back(0);
    }
    ++counts_[static_cast<size_t>(found->second)];
    return found->second;
  }

  // Fills words and counts; returns each first number's final one, kSentenceEnd for dropped words.
  std::vector<int32_t> renumber(int64_t min_count, WordCorpus& corpus) const {
    std::vector<const std::string*> names(counts_.size());
    for (const auto& [word, number] : numbers_) names[static_cast<size_t>(number)] = &word;
    std::vector<int32_t> order(counts_.size());
    std::iota(order.begin(), order.end(), 0);
    std::erase_if(order, [&](int32_t n) { return counts_[static_cast<size_t>(n)] < min_count; });
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      const auto i = static_cast<size_t>(a);
      const auto j = static_cast<size_t>(b);
      return counts_[i] != counts_[j] ? counts_[i] > counts_[j] : *names[i] < *names[j];
    });
    std::vector<int32_t> numbers(counts_.size(), WordCorpus::kSentenceEnd);
    for (const int32_t first : order) {
      const auto i = static_cast<size_t>(first);
      numbers[i] = static_cast<int32_t>(corpus.words.size());
      corpus.words.push_back(*names[i]);
      corpus.counts.push_back(counts_[i]);
    }
    return numbers;
  }

 private:
  std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>> numbers_;
  std::vector<int64_t> counts_;
};

}  // namespace

WordCorpus read_word_corpus(const std::vector<Source>& sources, const WordRules& rules,
                            int64_t min_count, const std::stop_token& stop) {
  WordCorpus corpus;
  Counter counter;
  std::vector<int32_t>& stream = corpus.stream;
  const auto take = [&](std::string_view word) {
    if (!word.empty()) {
      ++corpus.tokens;
      stream.push_back(counter.count(word));
    } else if (!stream.empty() && stream.back() != WordCorpus::kSentenceEnd) {
      stream.push_back(WordCorpus::kSentenceEnd);
    }
  };
  for (const Source& source : sources) {
    read_documents(source, [&](std::string_view document) {
      if (stop.stop_requested())
        throw Error(ErrorCode::kCancelled, source.path.string(), "stopped while reading");
      split_words(document, rules, take);
    });
  }
  const std::vector<int32_t> numbers = counter.renumber(min_count, corpus);
  if (corpus.words.empty()) {
    const std::string where = sources.empty() ? "word corpus" : sources[0].path.string();
    if (corpus.tokens == 0) throw Error(ErrorCode::kInvalidArgument, where, "holds no words");
    throw Error(ErrorCode::kInvalidArgument, where,
                "none of its words occurs " + std::to_string(min_count) + " times",
                "give more text or a smaller --min-count");
  }
  // Dropped words leave no gap: their neighbours become each other's.
  size_t kept = 0;
  for (const int32_t first : stream) {
    const bool end = first == WordCorpus::kSentenceEnd;
    const int32_t number = end ? first : numbers[static_cast<size_t>(first)];
    if (end || number != WordCorpus::kSentenceEnd) stream[kept++] = number;
  }
  stream.resize(kept);
  return corpus;
}

}  // namespace onmal

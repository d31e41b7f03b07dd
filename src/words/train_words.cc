#include "words/train_words.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "base/timer.h"
#include "kernels/select.h"
#include "words/word_batch.h"

namespace onmal {
namespace {

constexpr int64_t kChunk = 1 << 16;  // stream entries that are thinned out together

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
  throw Error(ErrorCode::kInvalidArgument, "word training", what, hint);
}

void check(const WordTrainingOptions& options) {
  constexpr int64_t kMostDim = 8192;
  constexpr int64_t kMostWindow = 100;
  constexpr int64_t kMostNegatives = 1000;
  constexpr int64_t kMostEpochs = 1'000'000;
  const auto number = [](int64_t value) { return std::to_string(value); };
  if (options.dim < 1 || options.dim > kMostDim)
    refuse(number(options.dim) + " dimensions", "give 1 to 8192, usually 100 to 300");
  if (options.epochs < 1 || options.epochs > kMostEpochs)
    refuse(number(options.epochs) + " epochs", "give at least 1");
  if (options.window < 1 || options.window > kMostWindow)
    refuse("a window of " + number(options.window), "give 1 to 100, usually 5");
  if (options.negatives < 1 || options.negatives > kMostNegatives)
    refuse(number(options.negatives) + " negatives", "give 1 to 1000, usually 5");
  if (!(options.learning_rate > 0 && options.learning_rate <= 1))
    refuse("a learning rate of " + std::to_string(options.learning_rate), "give e.g. 0.05");
  if (!(options.subsample >= 0 && options.negative_power >= 0 && options.negative_power <= 2))
    refuse("a negative share or power", "give e.g. --subsample 0.0001");
  check_subwords(options.subwords);
}

// Parts of all words; their rows follow those of the words, by first use, so that frequent words'
// parts stand together. `buckets` tells the bucket of each part's row.
WordParts find_parts(const WordCorpus& corpus, const SubwordOptions& options,
                     std::vector<int32_t>& buckets) {
  WordParts parts;
  parts.begins.push_back(0);
  std::unordered_map<int64_t, int32_t> rows;
  const auto words = static_cast<int32_t>(corpus.words.size());
  for (int32_t word = 0; word < words; ++word) {
    parts.rows.push_back(word);
    if (options.any()) {
      for_each_subword(corpus.words[static_cast<size_t>(word)], options, [&](int64_t bucket) {
        const auto next = static_cast<int32_t>(rows.size());
        const auto [found, fresh] = rows.emplace(bucket, words + next);
        if (fresh) buckets.push_back(static_cast<int32_t>(bucket));
        parts.rows.push_back(found->second);
      });
    }
    parts.begins.push_back(static_cast<int64_t>(parts.rows.size()));
  }
  return parts;
}

// Of 2^32: how often a word stays, sqrt(t / share) + t / share.
std::vector<uint32_t> keep_thresholds(const WordCorpus& corpus, double subsample) {
  std::vector<uint32_t> thresholds(corpus.words.size(), 0xFFFFFFFFU);
  if (subsample <= 0) return thresholds;
  for (size_t i = 0; i < thresholds.size(); ++i) {
    const double ratio =
        subsample * static_cast<double>(corpus.tokens) / static_cast<double>(corpus.counts[i]);
    const double keep = std::sqrt(ratio) + ratio;
    if (keep < 1) thresholds[i] = static_cast<uint32_t>(keep * 0x1.0p32);
  }
  return thresholds;
}

std::vector<std::pair<int64_t, int64_t>> cut_chunks(const std::vector<int32_t>& stream) {
  std::vector<std::pair<int64_t, int64_t>> chunks;
  const auto size = static_cast<int64_t>(stream.size());
  for (int64_t begin = 0; begin < size;) {
    int64_t end = std::min(size, begin + kChunk);
    const int64_t limit = std::min(size, begin + 2 * kChunk);
    while (end < limit && stream[static_cast<size_t>(end - 1)] >= 0) ++end;
    chunks.emplace_back(begin, end);
    begin = end;
  }
  return chunks;
}

class Run {
 public:
  Run(const WordCorpus& corpus, const WordTrainingOptions& options, ThreadPool& pool)
      : corpus_(corpus),
        options_(options),
        pool_(pool),
        parts_(find_parts(corpus, options.subwords, buckets_)),
        sampler_(sampling_weights(corpus, options)),
        keep_(keep_thresholds(corpus, options.subsample)),
        input_(static_cast<int64_t>(corpus.words.size() + buckets_.size()), options.dim),
        output_(static_cast<int64_t>(corpus.words.size()), options.dim),
        batch_(options, parts_, sampler_, input_, output_, pool) {
    pool.for_blocks(0, input_.rows(), 1024, [&](int64_t begin, int64_t end) {
      Rng rng(options.seed * 0x9E3779B97F4A7C15ULL + static_cast<uint64_t>(begin));
      const double range = 1.0 / static_cast<double>(options.dim);
      for (int64_t row = begin; row < end; ++row) {
        for (int64_t i = 0; i < options.dim; ++i)
          input_.row(row)[i] = static_cast<float>((2 * rng.uniform() - 1) * range);
      }
    });
  }

  void train(const std::function<void(const WordTrainingProgress&)>& progress,
             const std::stop_token& stop) {
    std::vector<std::pair<int64_t, int64_t>> chunks = cut_chunks(corpus_.stream);
    for (int64_t epoch = 0; epoch < options_.epochs; ++epoch) {
      Rng rng(options_.seed + 0x51ED27ULL * static_cast<uint64_t>(epoch + 1));
      for (size_t i = chunks.size(); i > 1; --i)
        std::swap(chunks[i - 1], chunks[static_cast<size_t>(rng.below(i))]);
      for (const auto& [begin, end] : chunks) {
        train_chunk(begin, end, rng.next(), stop);
        if (progress) report(progress);
      }
    }
  }

  WordVectors result() const {
    const auto words = static_cast<int64_t>(corpus_.words.size());
    std::vector<float> values(static_cast<size_t>(words * options_.dim));
    const kernels::RowKernels& rows = *kernels::table(detect_isa()).rows;
    for (int64_t word = 0; word < words; ++word) {
      const std::span<const int32_t> parts = parts_.of(static_cast<int32_t>(word));
      rows.sum({input_.data(), input_.stride(), parts.data(), static_cast<int64_t>(parts.size())},
               options_.dim, 1.0F / static_cast<float>(parts.size()),
               values.data() + word * options_.dim);
    }
    return WordVectors(options_.dim, corpus_.words, std::move(values), corpus_.counts,
                       subword_vectors());
  }

 private:
  static std::vector<double> sampling_weights(const WordCorpus& corpus,
                                              const WordTrainingOptions& options) {
    std::vector<double> weights;
    for (const int64_t count : corpus.counts)
      weights.push_back(std::pow(static_cast<double>(count), options.negative_power));
    return weights;
  }

  void train_chunk(int64_t begin, int64_t end, uint64_t key, const std::stop_token& stop) {
    Rng rng(key);
    text_.clear();
    for (int64_t i = begin; i < end; ++i) {
      const int32_t word = corpus_.stream[static_cast<size_t>(i)];
      if (word < 0 ? !text_.empty() && text_.back() >= 0
                   : static_cast<uint32_t>(rng.next() >> 32) <= keep_[static_cast<size_t>(word)])
        text_.push_back(word);
    }
    const auto size = static_cast<int64_t>(text_.size());
    const double total =
        static_cast<double>(corpus_.stream.size()) * static_cast<double>(options_.epochs);
    for (int64_t from = 0; from < size; from += WordBatch::kPositions) {
      if (stop.stop_requested())
        throw Error(ErrorCode::kCancelled, "word training", "stopped; nothing was written");
      const double share = static_cast<double>(from) / static_cast<double>(size);
      const double done =
          (static_cast<double>(seen_) + share * static_cast<double>(end - begin)) / total;
      const auto rate = static_cast<float>(options_.learning_rate * (1 - done));
      batch_.step(text_, from, std::min(size, from + WordBatch::kPositions), rate,
                  key + static_cast<uint64_t>(from));
    }
    seen_ += end - begin;
  }

  void report(const std::function<void(const WordTrainingProgress&)>& progress) {
    const double epochs_done =
        static_cast<double>(seen_) / static_cast<double>(corpus_.stream.size());
    progress({epochs_done / static_cast<double>(options_.epochs),
              static_cast<int64_t>(epochs_done * static_cast<double>(corpus_.tokens)),
              timer_.seconds(), batch_.take_loss()});
  }

  SubwordVectors subword_vectors() const {
    SubwordVectors out;
    out.options = options_.subwords;
    std::vector<size_t> order(buckets_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return buckets_[a] < buckets_[b]; });
    out.values.reserve(order.size() * static_cast<size_t>(options_.dim));
    for (const size_t i : order) {
      out.buckets.push_back(buckets_[i]);
      const float* row = input_.row(static_cast<int64_t>(corpus_.words.size() + i));
      out.values.insert(out.values.end(), row, row + options_.dim);
    }
    return out;
  }

  const WordCorpus& corpus_;
  const WordTrainingOptions& options_;
  ThreadPool& pool_;
  std::vector<int32_t> buckets_;
  WordParts parts_;
  WordSampler sampler_;
  std::vector<uint32_t> keep_;
  RowMatrix input_;
  RowMatrix output_;
  WordBatch batch_;
  std::vector<int32_t> text_;
  int64_t seen_ = 0;
  Timer timer_;
};

}  // namespace

WordVectors train_word_vectors(const WordCorpus& corpus, const WordTrainingOptions& options,
                               ThreadPool& pool,
                               const std::function<void(const WordTrainingProgress&)>& progress,
                               const std::stop_token& stop) {
  check(options);
  if (corpus.words.empty()) refuse("an empty corpus", "give more text");
  Run run(corpus, options, pool);
  run.train(progress, stop);
  return run.result();
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "base/thread_pool.h"
#include "words/subwords.h"
#include "words/word_corpus.h"
#include "words/word_vectors.h"

namespace onmal {

enum class WordObjective : uint8_t {
  kSkipGram,  // a word foretells its neighbours
  kCbow,      // neighbours foretell the word
};

struct WordTrainingOptions {
  WordObjective objective = WordObjective::kSkipGram;
  int64_t dim = 100;
  int64_t epochs = 5;
  int64_t window = 5;           // neighbours on each side: 1 to this, drawn anew for each word
  int64_t negatives = 5;        // wrong words for each right one
  double negative_power = 0.5;  // wrong words are drawn by count^power
  double subsample = 1e-4;      // words of a higher share are skipped at times; 0: never
  double learning_rate = 0.05;  // falls to 0 linearly
  SubwordOptions subwords;
  uint64_t seed = 1;
};

struct WordTrainingProgress {
  double done;    // 0 to 1
  int64_t words;  // of the text, over all epochs so far
  double seconds;
  double loss;  // mean negative-sampling loss of a right word and its wrong ones, since the last
};

// Skip-gram or CBOW with negative sampling (Mikolov et al., 2013) by stochastic gradient descent in
// small batches: within a batch every word sees the vectors of the batch's beginning, and each
// vector's changes are added up in the order of the text. So the result is the same bit for bit
// for any number of threads. Wrong words are shared by the neighbours of one word (Ji et al.,
// 2016). Throws Error(kInvalidArgument) for options that make no sense, Error(kResource) when
// memory does not suffice, Error(kCancelled) when stopped.
WordVectors train_word_vectors(
    const WordCorpus& corpus, const WordTrainingOptions& options, ThreadPool& pool,
    const std::function<void(const WordTrainingProgress&)>& progress = {},
    const std::stop_token& stop = {});

}  // namespace onmal

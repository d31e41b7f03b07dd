#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "kernels/rows.h"
#include "kernels/table.h"
#include "words/row_matrix.h"
#include "words/train_words.h"

namespace onmal {

// Draws word numbers with probabilities proportional to weights (alias method, Vose 1991).
class WordSampler {
 public:
  explicit WordSampler(const std::vector<double>& weights);
  int32_t draw(Rng& rng) const {
    const uint64_t bits = rng.next();
    const auto slot = static_cast<size_t>((static_cast<Uint128>(bits) * slots_.size()) >> 64);
    // The low bits decide: the high ones chose the slot.
    const auto coin = static_cast<uint32_t>(bits);
    return coin < slots_[slot].threshold ? static_cast<int32_t>(slot) : slots_[slot].alias;
  }

 private:
  struct Slot {
    uint32_t threshold;
    int32_t alias;
  };
  std::vector<Slot> slots_;
};

// The rows of the input matrix that make up each word: its own, then its parts'.
struct WordParts {
  std::vector<int64_t> begins;  // of each word in rows, and the end
  std::vector<int32_t> rows;

  std::span<const int32_t> of(int32_t word) const {
    const auto i = static_cast<size_t>(word);
    return {rows.data() + begins[i], static_cast<size_t>(begins[i + 1] - begins[i])};
  }
};

// One step of descent after the other (see train_word_vectors). Both matrices are changed in place.
class WordBatch {
 public:
  static constexpr int64_t kPositions = 64;  // a step's

  WordBatch(const WordTrainingOptions& options, const WordParts& parts, const WordSampler& sampler,
            RowMatrix& input, RowMatrix& output, ThreadPool& pool);

  // Words at [begin, end) of `text`, at most kPositions; their neighbours may lie outside. `key`
  // decides what is drawn. Negative numbers in `text` end sentences.
  void step(std::span<const int32_t> text, int64_t begin, int64_t end, float learning_rate,
            uint64_t key);

  // Mean loss over a sample of words since the last call.
  double take_loss();

 private:
  static constexpr int64_t kBlock = 16;  // positions of a task
  static constexpr int64_t kGroup = 1;   // neighbours that share wrong words
  static constexpr int64_t kBlocks = kPositions / kBlock;
  static constexpr int64_t kShards = 8;  // rows by number: each task changes its own

  struct OutputChange {
    int32_t row;
    int32_t slot;
    float factor;
  };
  struct InputChange {
    int32_t row;
    int32_t slot;
  };
  // What the words of one block change, by shard.
  struct BlockChanges {
    std::array<std::vector<OutputChange>, kShards> output;
    std::array<std::vector<InputChange>, kShards> input;
  };
  struct Scratch {
    explicit Scratch(int64_t dim) : gradient(1, dim) {}
    RowMatrix gradient;
    std::vector<int32_t> neighbours;
    std::vector<int32_t> targets;
    std::vector<float> scores;
    std::vector<int32_t> contexts;
    double loss = 0;
    int64_t losses = 0;
  };
  struct Step {
    std::span<const int32_t> text;
    int64_t begin;
    int64_t end;
    float learning_rate;
    uint64_t key;
  };

  void skip_gram_block(const Step& step, int64_t block);
  void cbow_block(const Step& step, int64_t block);
  void sum_parts(const Step& step, int64_t position);
  void gather_cbow_gradients(const Step& step, int64_t position, BlockChanges& changes);
  void find_contexts(const Step& step, int64_t position, int64_t window, Scratch& scratch) const;
  void draw_wrong_words(int64_t count, size_t right, Rng& rng, Scratch& scratch) const;
  // Scores the targets, the first `right` of them right, by the hidden values of row `slot`, and
  // notes what follows for the output rows; the gradient by the hidden values (times the learning
  // rate) goes to `gradient`.
  void learn_targets(const Step& step, int64_t slot, size_t right, float wrong_weight,
                     Scratch& scratch, BlockChanges& changes, float* gradient);
  // The neighbours of one word in groups: each group sees what the one before it has changed.
  void learn_neighbours(const Step& step, int64_t slot, Rng& rng, Scratch& scratch,
                        BlockChanges& changes);
  void apply_shard(int64_t shard, const RowMatrix& gradient, int64_t input_blocks);
  int64_t window_of(const Step& step, int64_t position) const;
  void prefetch(const Step& step, int64_t position) const;

  const WordTrainingOptions& options_;
  const WordParts& parts_;
  const WordSampler& sampler_;
  RowMatrix& input_;
  RowMatrix& output_;
  ThreadPool& pool_;
  const kernels::RowKernels& rows_;
  const kernels::ElementwiseKernels& elementwise_;
  int64_t groups_;      // skip-gram: of one position, at most
  RowMatrix sums_;      // CBOW: [positions and a window on each side] sums of parts
  RowMatrix hidden_;    // [positions * groups]; CBOW: [positions]
  RowMatrix gradient_;  // [positions]
  RowMatrix shares_;    // CBOW: each position's sum of gradients
  std::vector<BlockChanges> changes_;
  std::vector<Scratch> scratch_;
};

}  // namespace onmal

#include "words/word_batch.h"

#include <algorithm>
#include <cmath>

#include "kernels/select.h"

namespace onmal {
namespace {

constexpr int64_t kLossEvery = 16;  // a sample will do

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace

WordSampler::WordSampler(const std::vector<double>& weights) : slots_(weights.size()) {
  double total = 0;
  for (const double weight : weights) total += weight;
  std::vector<double> scaled(weights.size());
  std::vector<int32_t> small;
  std::vector<int32_t> large;
  for (size_t i = 0; i < weights.size(); ++i) {
    scaled[i] = weights[i] / total * static_cast<double>(weights.size());
    slots_[i] = {0xFFFFFFFFU, static_cast<int32_t>(i)};
    (scaled[i] < 1 ? small : large).push_back(static_cast<int32_t>(i));
  }
  while (!small.empty() && !large.empty()) {
    const auto less = static_cast<size_t>(small.back());
    const int32_t more = large.back();
    small.pop_back();
    slots_[less] = {static_cast<uint32_t>(scaled[less] * 0x1.0p32), more};
    scaled[static_cast<size_t>(more)] -= 1 - scaled[less];
    if (scaled[static_cast<size_t>(more)] < 1) {
      large.pop_back();
      small.push_back(more);
    }
  }
}

WordBatch::WordBatch(const WordTrainingOptions& options, const WordParts& parts,
                     const WordSampler& sampler, RowMatrix& input, RowMatrix& output,
                     ThreadPool& pool)
    : options_(options),
      parts_(parts),
      sampler_(sampler),
      input_(input),
      output_(output),
      pool_(pool),
      rows_(*kernels::table(detect_isa()).rows),
      elementwise_(*kernels::table(detect_isa()).elementwise),
      groups_(options.objective == WordObjective::kCbow
                  ? 1
                  : (2 * options.window + kGroup - 1) / kGroup),
      sums_(kPositions + 2 * options.window, options.dim),
      hidden_(kPositions * groups_, options.dim),
      gradient_(kPositions, options.dim),
      shares_(kPositions + 2 * options.window, options.dim),
      changes_(static_cast<size_t>(kBlocks + 2 * ((options.window + kBlock - 1) / kBlock))) {
  for (size_t i = 0; i < changes_.size(); ++i) scratch_.emplace_back(options.dim);
}

// Drawn from the position itself, so that CBOW's passes agree about it.
int64_t WordBatch::window_of(const Step& step, int64_t position) const {
  const uint64_t bits = mix(step.key ^ mix(static_cast<uint64_t>(position)));
  return 1 + static_cast<int64_t>(bits % static_cast<uint64_t>(options_.window));
}

void WordBatch::find_contexts(const Step& step, int64_t position, int64_t window,
                              Scratch& scratch) const {
  scratch.contexts.clear();
  const int64_t first = std::max<int64_t>(0, position - window);
  const int64_t last = std::min(static_cast<int64_t>(step.text.size()) - 1, position + window);
  for (int64_t q = position - 1; q >= first && step.text[static_cast<size_t>(q)] >= 0; --q)
    scratch.contexts.push_back(static_cast<int32_t>(q));
  for (int64_t q = position + 1; q <= last && step.text[static_cast<size_t>(q)] >= 0; ++q)
    scratch.contexts.push_back(static_cast<int32_t>(q));
}

void WordBatch::draw_wrong_words(int64_t count, size_t right, Rng& rng, Scratch& scratch) const {
  constexpr int kTries = 8;  // a text of few words may have no wrong ones
  std::vector<int32_t>& targets = scratch.targets;
  for (int64_t n = 0; n < count; ++n) {
    for (int tries = 0; tries < kTries; ++tries) {
      const int32_t word = sampler_.draw(rng);
      const auto end = targets.begin() + static_cast<std::ptrdiff_t>(right);
      if (std::find(targets.begin(), end, word) != end) continue;
      targets.push_back(word);
      break;
    }
  }
}

void WordBatch::learn_targets(const Step& step, int64_t slot, size_t right, float wrong_weight,
                              Scratch& scratch, BlockChanges& changes, float* gradient) {
  const std::vector<int32_t>& targets = scratch.targets;
  const auto count = static_cast<int64_t>(targets.size());
  scratch.scores.resize(targets.size());
  float* scores = scratch.scores.data();
  const kernels::RowSelection selection = {output_.data(), output_.stride(), targets.data(), count};
  rows_.dot(selection, output_.stride(), hidden_.row(slot), scores);
  rows_.logistic(scores, scores, count);
  if (slot % kLossEvery == 0) {
    double loss = 0;
    for (size_t i = 0; i < targets.size(); ++i) {
      const auto score = static_cast<double>(i < right ? scores[i] : 1 - scores[i]);
      loss -= std::log(std::max(score, 1e-7)) * (i < right ? 1 : static_cast<double>(wrong_weight));
    }
    scratch.loss += loss;
    scratch.losses += static_cast<int64_t>(right);
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    scores[i] = i < right ? step.learning_rate * (1 - scores[i])
                          : -step.learning_rate * wrong_weight * scores[i];
    const int32_t row = targets[i];
    changes.output[static_cast<size_t>(row % kShards)].push_back(
        {row, static_cast<int32_t>(slot), scores[i]});
  }
  rows_.combine(selection, output_.stride(), scores, gradient);
}

// All parts of the word move by the same gradient, so their mean does: no need to add them anew.
void WordBatch::learn_neighbours(const Step& step, int64_t slot, Rng& rng, Scratch& scratch,
                                 BlockChanges& changes) {
  const std::vector<int32_t>& neighbours = scratch.neighbours;
  const int64_t width = hidden_.stride();
  float* gradient = gradient_.row(slot);
  std::fill_n(gradient, width, 0.0F);
  int64_t row = slot * groups_;
  for (size_t first = 0; first < neighbours.size(); first += kGroup, ++row) {
    const size_t right = std::min<size_t>(kGroup, neighbours.size() - first);
    scratch.targets.assign(neighbours.data() + first, neighbours.data() + first + right);
    draw_wrong_words(options_.negatives, right, rng, scratch);
    learn_targets(step, row, right, static_cast<float>(right), scratch, changes,
                  scratch.gradient.row(0));
    elementwise_.add(gradient, scratch.gradient.row(0), gradient, width);
    if (first + right < neighbours.size())
      elementwise_.add(hidden_.row(row), scratch.gradient.row(0), hidden_.row(row + 1), width);
  }
}

void WordBatch::prefetch(const Step& step, int64_t position) const {
  if (position >= step.end || step.text[static_cast<size_t>(position)] < 0) return;
  for (const int32_t row : parts_.of(step.text[static_cast<size_t>(position)])) {
    const float* data = input_.row(row);
    __builtin_prefetch(data);
    __builtin_prefetch(data + 16);
  }
}

void WordBatch::skip_gram_block(const Step& step, int64_t block) {
  BlockChanges& changes = changes_[static_cast<size_t>(block)];
  Scratch& scratch = scratch_[static_cast<size_t>(block)];
  for (auto& list : changes.output) list.clear();
  for (auto& list : changes.input) list.clear();
  Rng rng(mix(step.key + static_cast<uint64_t>(block)));
  const int64_t begin = step.begin + block * kBlock;
  const int64_t end = std::min(step.end, begin + kBlock);
  for (int64_t position = begin; position < end; ++position) {
    const int32_t word = step.text[static_cast<size_t>(position)];
    if (word < 0) continue;
    prefetch(step, position + 1);
    find_contexts(step, position, window_of(step, position), scratch);
    if (scratch.contexts.empty()) continue;
    scratch.neighbours.clear();
    for (const int32_t q : scratch.contexts) {
      scratch.neighbours.push_back(step.text[static_cast<size_t>(q)]);
      __builtin_prefetch(output_.row(scratch.neighbours.back()));
    }
    const int64_t slot = position - step.begin;
    const std::span<const int32_t> parts = parts_.of(word);
    rows_.sum({input_.data(), input_.stride(), parts.data(), static_cast<int64_t>(parts.size())},
              input_.stride(), 1.0F / static_cast<float>(parts.size()),
              hidden_.row(slot * groups_));
    learn_neighbours(step, slot, rng, scratch, changes);
    for (const int32_t row : parts)
      changes.input[static_cast<size_t>(row % kShards)].push_back(
          {row, static_cast<int32_t>(slot)});
  }
}

// CBOW counts slots of sums_ from one window before the step's first position.
void WordBatch::sum_parts(const Step& step, int64_t position) {
  const int32_t word = step.text[static_cast<size_t>(position)];
  if (word < 0) return;
  const std::span<const int32_t> parts = parts_.of(word);
  rows_.sum({input_.data(), input_.stride(), parts.data(), static_cast<int64_t>(parts.size())},
            input_.stride(), 1.0F, sums_.row(position - step.begin + options_.window));
}

void WordBatch::cbow_block(const Step& step, int64_t block) {
  BlockChanges& changes = changes_[static_cast<size_t>(block)];
  Scratch& scratch = scratch_[static_cast<size_t>(block)];
  for (auto& list : changes.output) list.clear();
  Rng rng(mix(step.key + static_cast<uint64_t>(block)));
  const int64_t begin = step.begin + block * kBlock;
  const int64_t end = std::min(step.end, begin + kBlock);
  for (int64_t position = begin; position < end; ++position) {
    const int32_t word = step.text[static_cast<size_t>(position)];
    const int64_t slot = position - step.begin;
    if (word < 0) continue;
    find_contexts(step, position, window_of(step, position), scratch);
    if (scratch.contexts.empty()) {
      std::fill_n(gradient_.row(slot), gradient_.stride(), 0.0F);
      continue;
    }
    int64_t parts = 0;
    for (int32_t& q : scratch.contexts) {
      parts += static_cast<int64_t>(parts_.of(step.text[static_cast<size_t>(q)]).size());
      q = static_cast<int32_t>(q - step.begin + options_.window);
    }
    rows_.sum({sums_.data(), sums_.stride(), scratch.contexts.data(),
               static_cast<int64_t>(scratch.contexts.size())},
              sums_.stride(), 1.0F / static_cast<float>(parts), hidden_.row(slot));
    scratch.targets.assign(1, word);
    draw_wrong_words(options_.negatives, 1, rng, scratch);
    learn_targets(step, slot, 1, 1.0F, scratch, changes, gradient_.row(slot));
  }
}

// The gradients of all words that this position helped to foretell, for each of its parts.
void WordBatch::gather_cbow_gradients(const Step& step, int64_t position, BlockChanges& changes) {
  const std::span<const int32_t> text = step.text;
  const int32_t word = text[static_cast<size_t>(position)];
  if (word < 0) return;
  const int64_t slot = position - step.begin + options_.window;
  float* share = shares_.row(slot);
  bool any = false;
  const auto visit = [&](int64_t center) {
    if (center < step.begin || center >= step.end) return;
    if (std::abs(center - position) > window_of(step, center)) return;
    if (!any) std::fill_n(share, shares_.stride(), 0.0F);
    any = true;
    elementwise_.add(share, gradient_.row(center - step.begin), share, shares_.stride());
  };
  const int64_t first = std::max<int64_t>(0, position - options_.window);
  const int64_t last = std::min(static_cast<int64_t>(text.size()) - 1, position + options_.window);
  for (int64_t c = position - 1; c >= first && text[static_cast<size_t>(c)] >= 0; --c) visit(c);
  for (int64_t c = position + 1; c <= last && text[static_cast<size_t>(c)] >= 0; ++c) visit(c);
  if (!any) return;
  for (const int32_t row : parts_.of(word))
    changes.input[static_cast<size_t>(row % kShards)].push_back({row, static_cast<int32_t>(slot)});
}

void WordBatch::apply_shard(int64_t shard, const RowMatrix& gradient, int64_t input_blocks) {
  const auto s = static_cast<size_t>(shard);
  const int64_t width = output_.stride();
  for (int64_t block = 0; block < kBlocks; ++block) {
    for (const OutputChange& change : changes_[static_cast<size_t>(block)].output[s])
      elementwise_.axpy(change.factor, hidden_.row(change.slot), output_.row(change.row), width);
  }
  for (int64_t block = 0; block < input_blocks; ++block) {
    for (const InputChange& change : changes_[static_cast<size_t>(block)].input[s]) {
      float* row = input_.row(change.row);
      elementwise_.add(row, gradient.row(change.slot), row, width);
    }
  }
}

void WordBatch::step(std::span<const int32_t> text, int64_t begin, int64_t end, float learning_rate,
                     uint64_t key) {
  ONMAL_ASSERT(end - begin <= kPositions);
  const Step step = {text, begin, end, learning_rate, mix(key ^ mix(options_.seed))};
  if (options_.objective == WordObjective::kSkipGram) {
    pool_.run(kBlocks, [&](int64_t block, int) { skip_gram_block(step, block); });
    pool_.run(kShards, [&](int64_t s, int) { apply_shard(s, gradient_, kBlocks); });
    return;
  }
  const int64_t first = std::max<int64_t>(0, begin - options_.window);
  const int64_t last = std::min(static_cast<int64_t>(text.size()), end + options_.window);
  const int64_t wide_blocks = (last - first + kBlock - 1) / kBlock;
  pool_.for_blocks(first, last, kBlock, [&](int64_t from, int64_t to) {
    for (int64_t position = from; position < to; ++position) sum_parts(step, position);
  });
  pool_.run(kBlocks, [&](int64_t block, int) { cbow_block(step, block); });
  pool_.run(wide_blocks, [&](int64_t block, int) {
    BlockChanges& changes = changes_[static_cast<size_t>(block)];
    for (auto& list : changes.input) list.clear();
    const int64_t from = first + block * kBlock;
    for (int64_t p = from; p < std::min(last, from + kBlock); ++p)
      gather_cbow_gradients(step, p, changes);
  });
  pool_.run(kShards, [&](int64_t s, int) { apply_shard(s, shares_, wide_blocks); });
}

double WordBatch::take_loss() {
  double loss = 0;
  int64_t losses = 0;
  for (Scratch& scratch : scratch_) {
    loss += scratch.loss;
    losses += scratch.losses;
    scratch.loss = 0;
    scratch.losses = 0;
  }
  return losses > 0 ? loss / static_cast<double>(losses) : 0;
}

}  // namespace onmal

#include "tokenizer/merge_table.h"

#include <queue>
#include <tuple>

namespace onmal {
namespace {

constexpr size_t kFewSymbols = 48;

// A pair's merge, none when its rank is not below the limit.
MergeTable::Merge find_below(const MergeTable& merges, int32_t left, int32_t right, int32_t limit) {
  const MergeTable::Merge merge = merges.find(left, right);
  return merge.rank < limit ? merge : MergeTable::Merge{};
}

size_t merge_few(const MergeTable& merges, std::span<int32_t> symbols, int32_t limit) {
  MergeTable::Merge pairs[kFewSymbols];
  size_t count = symbols.size();
  for (size_t i = 0; i + 1 < count; ++i)
    pairs[i] = find_below(merges, symbols[i], symbols[i + 1], limit);
  while (count > 1) {
    size_t best = count;
    for (size_t i = 0; i + 1 < count; ++i) {
      if (pairs[i].rank >= 0 && (best == count || pairs[i].rank < pairs[best].rank)) best = i;
    }
    if (best == count) break;
    symbols[best] = pairs[best].id;
    for (size_t i = best + 1; i + 1 < count; ++i) {
      symbols[i] = symbols[i + 1];
      pairs[i] = pairs[i + 1];
    }
    --count;
    if (best + 1 < count) pairs[best] = find_below(merges, symbols[best], symbols[best + 1], limit);
    if (best > 0) pairs[best - 1] = find_below(merges, symbols[best - 1], symbols[best], limit);
  }
  return count;
}

struct Candidate {
  int32_t rank;
  uint32_t position;
  int32_t left, right;  // what stood there when it was found: stale ones are dropped
  int32_t merged;

  bool operator<(const Candidate& other) const {
    return std::tie(rank, position) > std::tie(other.rank, other.position);
  }
};

size_t merge_many(const MergeTable& merges, std::span<int32_t> symbols, int32_t limit) {
  constexpr uint32_t kNone = ~uint32_t{0};
  const auto count = static_cast<uint32_t>(symbols.size());
  std::vector<uint32_t> next(count);
  std::vector<uint32_t> previous(count);
  for (uint32_t i = 0; i < count; ++i) {
    next[i] = i + 1 < count ? i + 1 : kNone;
    previous[i] = i > 0 ? i - 1 : kNone;
  }
  std::priority_queue<Candidate> queue;
  const auto consider = [&](uint32_t left) {
    if (left == kNone || next[left] == kNone) return;
    const int32_t a = symbols[left];
    const int32_t b = symbols[next[left]];
    const MergeTable::Merge merge = find_below(merges, a, b, limit);
    if (merge.rank >= 0) queue.push({merge.rank, left, a, b, merge.id});
  };
  for (uint32_t i = 0; i + 1 < count; ++i) consider(i);
  constexpr int32_t kDead = -1;
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const uint32_t left = best.position;
    if (symbols[left] != best.left || next[left] == kNone || symbols[next[left]] != best.right)
      continue;
    const uint32_t right = next[left];
    symbols[left] = best.merged;
    symbols[right] = kDead;
    next[left] = next[right];
    if (next[left] != kNone) previous[next[left]] = left;
    consider(left);
    consider(previous[left]);
  }
  size_t kept = 0;
  for (const int32_t symbol : symbols) {
    if (symbol != kDead) symbols[kept++] = symbol;
  }
  return kept;
}

}  // namespace

size_t apply_merges(const MergeTable& merges, std::span<int32_t> symbols, int32_t limit) {
  return symbols.size() <= kFewSymbols ? merge_few(merges, symbols, limit)
                                       : merge_many(merges, symbols, limit);
}

void apply_merges(const MergeTable& merges, std::vector<int32_t>& symbols, int32_t limit) {
  symbols.resize(apply_merges(merges, std::span<int32_t>(symbols), limit));
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace onmal {

// Interpolated modified Kneser–Ney over token ids (Chen & Goodman, 1999): the highest order counts
// occurrences, lower ones the distinct tokens to the left; each order keeps three discounts and
// backs off to the next, the lowest to the uniform distribution, so that every token has a
// probability. n-grams are told apart by a 64-bit hash.
class NgramModel {
 public:
  NgramModel(std::vector<int32_t> tokens, int64_t vocab_size, int order);

  // P(token | context); only the last order - 1 tokens of the context matter.
  double probability(std::span<const int32_t> context, int32_t token) const;
  int order() const { return static_cast<int>(levels_.size()); }
  int64_t ngrams() const;

 private:
  struct Entry {
    uint64_t key = 0;
    uint32_t count = 0;
    uint32_t end = 0;  // position behind the first occurrence
  };
  struct ContextEntry {
    uint64_t key = 0;
    double total = 0;
    uint32_t kinds[3] = {0, 0, 0};  // distinct continuations seen once, twice, more often
  };
  template <typename Slot>
  struct Table {
    std::vector<Slot> slots = std::vector<Slot>(1024);
    size_t used = 0;
    Slot& at(uint64_t key);
    const Slot* find(uint64_t key) const;
    void grow();
  };
  struct Level {
    Table<Entry> ngrams;
    Table<ContextEntry> contexts;
    double discounts[3] = {0, 0, 0};
  };

  void count_level(int n);
  void summarize(Level& level, int n);
  uint64_t hash(std::span<const int32_t> tokens) const;

  std::vector<int32_t> tokens_;
  int64_t vocab_size_;
  std::vector<Level> levels_;  // [n - 1]
};

}  // namespace onmal

#include "ngram_model.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

size_t kind_of(uint32_t count) { return std::min<size_t>(count, 3) - 1; }

}  // namespace

template <typename Slot>
const Slot* NgramModel::Table<Slot>::find(uint64_t key) const {
  for (size_t at = key & (slots.size() - 1); slots[at].key != 0;
       at = (at + 1) & (slots.size() - 1)) {
    if (slots[at].key == key) return &slots[at];
  }
  return nullptr;
}

template <typename Slot>
Slot& NgramModel::Table<Slot>::at(uint64_t key) {
  if (3 * used > 2 * slots.size()) grow();
  size_t at = key & (slots.size() - 1);
  while (slots[at].key != 0 && slots[at].key != key) at = (at + 1) & (slots.size() - 1);
  if (slots[at].key == 0) {
    slots[at].key = key;
    ++used;
  }
  return slots[at];
}

template <typename Slot>
void NgramModel::Table<Slot>::grow() {
  std::vector<Slot> old(slots.size() * 2);
  std::swap(old, slots);
  for (const Slot& slot : old) {
    if (slot.key == 0) continue;
    size_t at = slot.key & (slots.size() - 1);
    while (slots[at].key != 0) at = (at + 1) & (slots.size() - 1);
    slots[at] = slot;
  }
}

uint64_t NgramModel::hash(std::span<const int32_t> tokens) const {
  uint64_t value = 0x9E3779B97F4A7C15ULL + tokens.size();
  for (const int32_t token : tokens) {
    value = (value ^ static_cast<uint32_t>(token)) * 0xFF51AFD7ED558CCDULL;
    value ^= value >> 32;
  }
  return value | 1U;  // 0 marks an empty slot
}

NgramModel::NgramModel(std::vector<int32_t> tokens, int64_t vocab_size, int order)
    : tokens_(std::move(tokens)), vocab_size_(vocab_size) {
  if (order < 1 || vocab_size < 1) {
    throw Error(ErrorCode::kInvalidArgument, "n-gram model",
                "the order and the vocabulary must be at least 1");
  }
  if (tokens_.size() > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::kResource, "n-gram model", "more than 2^32 tokens");
  }
  for (const int32_t token : tokens_) {
    if (token < 0 || token >= vocab_size) {
      throw Error(ErrorCode::kInvalidArgument, "n-gram model",
                  "token " + std::to_string(token) + " is outside the vocabulary");
    }
  }
  levels_.resize(static_cast<size_t>(order));
  for (int n = order; n >= 1; --n) count_level(n);
}

void NgramModel::count_level(int n) {
  const auto width = static_cast<size_t>(n);
  Level& level = levels_[width - 1];
  const std::span<const int32_t> all(tokens_);
  const auto add = [&](size_t end) {
    Entry& entry = level.ngrams.at(hash(all.subspan(end - width, width)));
    if (entry.count++ == 0) entry.end = static_cast<uint32_t>(end);
  };
  if (n == order()) {
    for (size_t end = width; end <= all.size(); ++end) add(end);
  } else {
    // Each distinct (n+1)-gram is one token to the left of its last n.
    for (const Entry& longer : levels_[width].ngrams.slots) {
      if (longer.key != 0) add(longer.end);
    }
  }
  summarize(level, n);
}

void NgramModel::summarize(Level& level, int n) {
  double times[5] = {0, 0, 0, 0, 0};  // n-grams seen exactly so often
  const std::span<const int32_t> all(tokens_);
  for (const Entry& entry : level.ngrams.slots) {
    if (entry.key == 0) continue;
    if (entry.count <= 4) times[entry.count] += 1;
    const size_t width = static_cast<size_t>(n) - 1;
    ContextEntry& context = level.contexts.at(hash(all.subspan(entry.end - width - 1, width)));
    context.total += entry.count;
    ++context.kinds[kind_of(entry.count)];
  }
  const double y = times[1] + 2 * times[2] > 0 ? times[1] / (times[1] + 2 * times[2]) : 0.5;
  for (size_t i = 0; i < 3; ++i) {
    const double c = static_cast<double>(i + 1);
    const double ratio = times[i + 1] > 0 ? times[i + 2] / times[i + 1] : 0.0;
    level.discounts[i] = std::clamp(c - (c + 1) * y * ratio, 0.1, c);
  }
}

double NgramModel::probability(std::span<const int32_t> context, int32_t token) const {
  double probability = 1.0 / static_cast<double>(vocab_size_);
  std::vector<int32_t> ngram;
  for (size_t n = 1; n <= levels_.size() && n - 1 <= context.size(); ++n) {
    const Level& level = levels_[n - 1];
    const std::span<const int32_t> last = context.last(n - 1);
    const ContextEntry* seen = level.contexts.find(hash(last));
    if (seen == nullptr) break;
    ngram.assign(last.begin(), last.end());
    ngram.push_back(token);
    const Entry* entry = level.ngrams.find(hash(ngram));
    double kept = 0;
    if (entry != nullptr)
      kept = std::max(0.0, entry->count - level.discounts[kind_of(entry->count)]);
    double freed = 0;
    for (size_t i = 0; i < 3; ++i) freed += level.discounts[i] * seen->kinds[i];
    probability = (kept + freed * probability) / seen->total;
  }
  return probability;
}

int64_t NgramModel::ngrams() const {
  int64_t total = 0;
  for (const Level& level : levels_) total += static_cast<int64_t>(level.ngrams.used);
  return total;
}

}  // namespace onmal

#include "infer/prompt_lookup.h"

#include <algorithm>
#include <bit>

namespace onmal {
namespace {

constexpr int kMostPlaces = 64;

}  // namespace

PromptLookup::PromptLookup(int64_t capacity) {
  const auto tokens = static_cast<size_t>(std::max<int64_t>(capacity, 1));
  ids_.reserve(tokens);
  previous_.reserve(tokens);
  latest_.assign(std::bit_ceil(tokens), -1);
}

void PromptLookup::clear() {
  ids_.clear();
  previous_.clear();
  std::fill(latest_.begin(), latest_.end(), -1);
}

size_t PromptLookup::bucket(size_t position) const {
  const auto pair = static_cast<uint64_t>(static_cast<uint32_t>(ids_[position - 1])) << 32 |
                    static_cast<uint32_t>(ids_[position]);
  return static_cast<size_t>((pair * 0x9E3779B97F4A7C15ULL) >> 32) & (latest_.size() - 1);
}

void PromptLookup::append(int32_t id) {
  ids_.push_back(id);
  previous_.push_back(-1);
  if (ids_.size() < 2) return;
  const size_t position = ids_.size() - 1;
  int32_t& latest = latest_[bucket(position)];
  previous_[position] = latest;
  latest = static_cast<int32_t>(position);
}

PromptLookup::Match PromptLookup::find() const {
  Match best;
  if (ids_.size() < 3) return best;
  const auto last = static_cast<int64_t>(ids_.size()) - 1;
  int32_t place = previous_.back();
  for (int tried = 0; place >= 0 && tried < kMostPlaces; ++tried) {
    int64_t length = 0;
    while (length < kLongestMatch && length <= place &&
           ids_[static_cast<size_t>(place - length)] == ids_[static_cast<size_t>(last - length)]) {
      ++length;
    }
    if (length >= 2 && length > best.length) best = {length, place + 1};
    if (length == kLongestMatch) break;
    place = previous_[static_cast<size_t>(place)];
  }
  return best;
}

void PromptLookup::copy(const Match& match, std::span<int32_t> draft) const {
  const size_t known = ids_.size() - static_cast<size_t>(match.next);
  for (size_t i = 0; i < draft.size(); ++i) {
    draft[i] = i < known ? ids_[static_cast<size_t>(match.next) + i] : draft[i - known];
  }
}

}  // namespace onmal

#include "tokenizer/word_cache.h"

#include <algorithm>
#include <cstring>

namespace onmal {
namespace {

template <typename T>
T load(std::string_view word, size_t at) {
  T value;
  std::memcpy(&value, word.data() + at, sizeof(T));
  return value;
}

// The first eight bytes of a word; of a shorter one all of them, in an order of their own.
uint64_t first_of(std::string_view word) {
  const size_t size = word.size();
  if (size >= 8) return load<uint64_t>(word, 0);
  if (size >= 4) return load<uint32_t>(word, 0) | uint64_t{load<uint32_t>(word, size - 4)} << 32;
  if (size == 0) return 0;
  const auto byte = [&](size_t at) { return uint64_t{static_cast<uint8_t>(word[at])}; };
  return byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16;
}

// The last eight bytes of a word of nine or more; 0 for others.
uint64_t last_of(std::string_view word) {
  return word.size() > 8 ? load<uint64_t>(word, word.size() - 8) : 0;
}

}  // namespace

WordCache::WordCache(size_t most_words)
    : most_words_(std::clamp<size_t>(most_words, 1, size_t{1} << 24)), slots_(1024) {}

uint64_t WordCache::hash_of(std::string_view word) {
  uint64_t hash = (word.size() ^ first_of(word)) * 0xFF51AFD7ED558CCDULL;
  for (size_t i = 8; i + 8 < word.size(); i += 8) {
    hash ^= hash >> 32;
    hash = (hash ^ load<uint64_t>(word, i)) * 0x9E3779B97F4A7C15ULL;
  }
  hash ^= hash >> 32;
  hash = (hash ^ last_of(word)) * 0xC4CEB9FE1A85EC53ULL;
  return hash ^ (hash >> 29);
}

bool WordCache::find(std::string_view word, uint64_t hash, std::span<const int32_t>& ids) const {
  const auto mark = static_cast<uint32_t>(hash);
  const uint64_t first = first_of(word);
  const uint64_t last = last_of(word);
  for (size_t at = mark & (slots_.size() - 1); slots_[at].bytes > 0;
       at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.first != first || slot.last != last || slot.bytes != word.size()) continue;
    if (word.size() > 16 &&
        std::memcmp(texts_.data() + slot.text, word.data() + 8, word.size() - 16) != 0)
      continue;
    ids = {ids_.data() + slot.ids, slot.count};
    return true;
  }
  return false;
}

WordCache::Slot& WordCache::place_for(uint32_t hash) {
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at].bytes > 0) at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

void WordCache::grow() {
  std::vector<Slot> old(2 * slots_.size());
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.bytes > 0) place_for(slot.hash) = slot;
  }
}

void WordCache::insert(std::string_view word, uint64_t hash, std::span<const int32_t> ids) {
  if (word.empty() || word.size() > kLongestWord || ids.size() > UINT8_MAX) return;
  if (words_ >= most_words_) {
    words_ = 0;
    std::fill(slots_.begin(), slots_.end(), Slot{});
    texts_.clear();
    ids_.clear();
  }
  if (2 * (words_ + 1) > slots_.size()) grow();
  const auto mark = static_cast<uint32_t>(hash);
  place_for(mark) = {first_of(word),
                     last_of(word),
                     mark,
                     static_cast<uint32_t>(texts_.size()),
                     static_cast<uint32_t>(ids_.size()),
                     static_cast<uint8_t>(word.size()),
                     static_cast<uint8_t>(ids.size())};
  if (word.size() > 16) texts_.append(word.substr(8, word.size() - 16));
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  ++words_;
}

}  // namespace onmal

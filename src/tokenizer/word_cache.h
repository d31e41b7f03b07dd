#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// Short words and the ids they were encoded to. Open addressing, at most half full; a word of up to
// 16 bytes is told by its slot alone. Empties itself when it is full.
class WordCache {
 public:
  static constexpr size_t kLongestWord = 64;  // in bytes; longer ones are not kept

  explicit WordCache(size_t most_words);

  static uint64_t hash_of(std::string_view word);

  // The ids kept for `word`; false when it is not there. They stand until the next insert().
  bool find(std::string_view word, uint64_t hash, std::span<const int32_t>& ids) const;
  // Keeps the ids of a word that is not there; words beyond kLongestWord are passed over.
  void insert(std::string_view word, uint64_t hash, std::span<const int32_t> ids);

 private:
  struct alignas(32) Slot {
    uint64_t first = 0;  // the first eight bytes (see first_of)
    uint64_t last = 0;   // the last eight
    uint32_t hash = 0;
    uint32_t text = 0;  // where its bytes begin in texts_
    uint32_t ids = 0;   // where its ids begin in ids_
    uint8_t bytes = 0;  // 0: an empty slot
    uint8_t count = 0;
  };
  Slot& place_for(uint32_t hash);
  void grow();

  size_t most_words_;
  size_t words_ = 0;
  std::vector<Slot> slots_;
  std::string texts_;
  std::vector<int32_t> ids_;
};

}  // namespace onmal

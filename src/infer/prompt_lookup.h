#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace onmal {

// Guesses what follows a sequence from where its last tokens stood before (Saxena, 2023, "prompt
// lookup decoding"): answers that quote, summarise or edit their prompt repeat it for long
// stretches. Positions are chained by their last two tokens; appending takes constant time,
// searching looks at no more than 64 places. Nothing is allocated after construction while the
// sequence is at most `capacity` tokens long.
class PromptLookup {
 public:
  static constexpr int64_t kLongestMatch = 32;

  explicit PromptLookup(int64_t capacity);

  void clear();
  void append(int32_t id);
  std::span<const int32_t> ids() const { return ids_; }

  struct Match {
    int64_t length = 0;  // tokens at the end that also stand before `next`, at most 32; 0: none
    int64_t next = 0;    // the position behind them
  };
  // The longest match of at least two tokens, the latest of equals.
  Match find() const;
  // What followed the match, one token for each place of `draft`; a stretch that ends in the
  // present goes on with itself.
  void copy(const Match& match, std::span<int32_t> draft) const;

 private:
  size_t bucket(size_t position) const;  // of the two tokens ending at `position`

  std::vector<int32_t> ids_;
  std::vector<int32_t> latest_;    // by bucket: the last position, or -1
  std::vector<int32_t> previous_;  // by position: the one before it in the same bucket, or -1
};

}  // namespace onmal

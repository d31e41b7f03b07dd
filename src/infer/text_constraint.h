#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace onmal {

// What an answer may look like, as an automaton over its bytes, so that it holds for every
// tokenizer, whatever stretches of text its tokens stand for. States are numbers of its own.
class TextConstraint {
 public:
  static constexpr int32_t kDead = -1;
  virtual ~TextConstraint() = default;

  virtual int32_t start() const = 0;
  // The state behind one more byte; kDead: it may not come.
  virtual int32_t next(int32_t state, uint8_t byte) const = 0;
  // Whether the answer may end here.
  virtual bool may_end(int32_t state) const = 0;
};

// Holds logits to a TextConstraint while an answer is written: a token may come when the automaton
// lives through all its bytes, a special token where the answer may end. The tokens that a state
// forbids are worked out once, at the first visit, O(bytes of the vocabulary). Where nothing may
// come, the answer may end. The tokenizer and the constraint must outlive it.
class TokenMask {
 public:
  // `end_ids` count as special.
  TokenMask(const Tokenizer& tokenizer, const TextConstraint& constraint, int64_t vocab_size,
            std::span<const int32_t> end_ids = {});

  // [vocab_size], those of forbidden tokens -infinity; valid until the next call.
  std::span<const float> apply(std::span<const float> logits);
  // The answer goes on by this token.
  void accept(int32_t id);

 private:
  // Of the states met, the tokens that may not come.
  const std::vector<int32_t>& forbidden(int32_t state);
  int32_t behind(int32_t state, std::string_view bytes) const;
  bool is_special(int32_t id) const;

  const Tokenizer& tokenizer_;
  const TextConstraint& constraint_;
  std::vector<int32_t> end_ids_;
  std::unordered_map<int32_t, std::vector<int32_t>> forbidden_;
  std::vector<float> logits_;
  int32_t state_;
};

}  // namespace onmal

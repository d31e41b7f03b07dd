#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "infer/vocabulary_trie.h"
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

  // Whether shortest_ending() is known: then no answer is cut before it may end.
  virtual bool knows_endings() const { return false; }
  // Fewest bytes from a state to one where the answer may end. Some byte leads one nearer.
  virtual int64_t shortest_ending(int32_t) const { return 0; }

  // States within a stretch of free text, where nearly every token may come, can share what is
  // known of them: the state of an automaton of the inside, and how many bytes may come at least
  // before a limit of the stretch matters. Inside, an ending is at most kInsideEnding bytes further
  // away than at the state itself.
  static constexpr int32_t kLeaves = -2;
  static constexpr int64_t kInsideEnding = 12;
  struct Inside {
    int32_t state = kDead;
    int64_t room = 0;
  };
  virtual Inside inside(int32_t) const { return {}; }
  // kDead: may not come. kLeaves: leads out; only next() knows whether it may come.
  virtual int32_t next_inside(int32_t, uint8_t) const { return kDead; }

  // For constraints that find their states as they go: one for a single answer and thread; null:
  // this one serves all.
  virtual std::shared_ptr<const TextConstraint> walker() const { return nullptr; }
  // Of a walker: whether it has found so many states that keep_only() should be called, which
  // forgets all but one and returns the new number of that.
  virtual bool is_crowded() const { return false; }
  virtual int32_t keep_only(int32_t state) const { return state; }
};

// Holds logits to a TextConstraint while an answer is written: a token may come when the automaton
// lives through all its bytes, a special token where the answer may end. Where nothing may come,
// the answer may end. The tokens of a state are worked out once, along the vocabulary's trie. The
// tokenizer and the constraint must outlive it.
//
// Told how many tokens are left, it forbids what could no longer be ended with so many, a byte each
// (an upper bound; where even that is too many, it writes the shortest ending in the longest
// tokens).
class TokenMask {
 public:
  // `end_ids` count as special. `trie`: of the tokenizer and vocab_size; null: made here.
  // Throws Error(kUnsupported) when endings are to be kept and a byte of UTF-8 text in the planes 0
  // to 3 has no token of its own; apply() does where the rare ones missing beyond leave no way.
  TokenMask(const Tokenizer& tokenizer, const TextConstraint& constraint, int64_t vocab_size,
            std::span<const int32_t> end_ids = {},
            std::shared_ptr<const VocabularyTrie> trie = nullptr);

  static constexpr int64_t kNoLimit = int64_t{1} << 40;
  // Throws Error(kInvalidArgument) when an answer of so many tokens cannot end.
  void require_room(int64_t tokens);
  // [vocab_size], those of forbidden tokens -infinity; valid until the next call. `tokens_left`:
  // that may still come, this one included.
  std::span<const float> apply(std::span<const float> logits, int64_t tokens_left = kNoLimit);
  // The answer goes on by this token.
  void accept(int32_t id);
  // Whether the answer may end here and nothing may follow.
  bool is_complete() const;

 private:
  using Bits = std::vector<uint64_t>;  // by id: may come
  struct Allowed {
    Bits bits;
    int64_t furthest = 0;  // shortest ending behind the token that leads furthest away from one
  };
  struct InsideTokens {
    Bits bits;
    // Nodes of the trie where a text leads out, or is longer than was looked at, and what is
    // before.
    std::vector<std::pair<int32_t, std::string>> exits;
  };

  const Allowed& allowed(int32_t state);
  Allowed find_allowed(int32_t state, int64_t limit, int32_t planned);
  const InsideTokens& inside_tokens(int32_t inside, int64_t room);
  void walk(int32_t state, int32_t begin, int32_t end, int64_t limit, Allowed& out);
  void take(int32_t node, int32_t state, int64_t limit, Allowed& out) const;
  void add_special(int32_t state, Allowed& out) const;
  int32_t behind(int32_t state, std::string_view bytes) const;
  bool is_special(int32_t id) const;
  int32_t planned_token();
  // The shortest ending, in the fewest tokens that longest-match finds.
  std::vector<int32_t> plan_ending(int32_t state) const;
  void require_bytes() const;

  const Tokenizer& tokenizer_;
  std::shared_ptr<const TextConstraint> walker_;
  const TextConstraint& constraint_;
  std::shared_ptr<const VocabularyTrie> trie_;
  std::vector<int32_t> end_ids_;
  std::unordered_map<int32_t, Allowed> allowed_;
  std::map<std::pair<int32_t, int64_t>, InsideTokens> inside_;  // by state and bytes looked at
  std::vector<int32_t> states_;                                 // along a path of the trie
  std::vector<int32_t> plan_;  // tokens of the ending that has been begun
  std::vector<float> logits_;
  int32_t state_;
};

}  // namespace onmal

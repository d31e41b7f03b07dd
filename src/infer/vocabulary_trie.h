#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace onmal {

// The texts of a vocabulary's tokens as a trie, its nodes in the order of a walk: the nodes below
// one follow it. Special tokens and those without text are left out. Made once for a tokenizer, in
// O(bytes log tokens).
class VocabularyTrie {
 public:
  VocabularyTrie(const Tokenizer& tokenizer, int64_t vocab_size);

  struct Node {
    int32_t end;     // the first node that is not below this one
    int32_t tokens;  // where the ids of the tokens that end here begin; up to the next node's
    int32_t depth;   // bytes before this one's
    uint8_t byte;
  };
  std::span<const Node> nodes() const { return std::span(nodes_).first(nodes_.size() - 1); }
  std::span<const int32_t> tokens_at(int32_t node) const {
    const auto at = static_cast<size_t>(node);
    return std::span(ids_).subspan(static_cast<size_t>(nodes_[at].tokens),
                                   static_cast<size_t>(nodes_[at + 1].tokens - nodes_[at].tokens));
  }
  // A token whose text is the longest beginning of `text`; -1: none.
  int32_t longest_match(std::string_view text) const;
  std::span<const int32_t> special_ids() const { return special_; }
  int64_t vocab_size() const { return vocab_size_; }
  // Bytes of the longest token.
  int64_t longest() const { return longest_; }

 private:
  int64_t vocab_size_;
  std::vector<Node> nodes_;  // and one behind the last
  std::vector<int32_t> ids_;
  std::vector<int32_t> special_;
  int64_t longest_ = 0;
};

}  // namespace onmal

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "tokenizer/token_trie.h"

namespace onmal {

// A token that is found as text before the subword model sees the text.
struct AddedToken {
  int32_t id = -1;
  std::string text;
  bool special = true;      // found only when special tokens are asked for
  bool strip_left = false;  // swallows white space before it
  bool strip_right = false;
  bool single_word = false;  // not found inside a word
  bool normalized = false;   // looked for after normalisation, in its normalised form

  bool operator==(const AddedToken&) const = default;
};

// Which of overlapping tokens wins.
enum class AddedOrder {
  kLongest,   // the longest anywhere in the text, as in llama.cpp
  kLeftmost,  // the leftmost, the longest of those, as in Hugging Face's tokenizers
};

// Cuts text at added tokens, in time linear in the text for any number of them.
class AddedTokens {
 public:
  AddedTokens() = default;
  AddedTokens(std::vector<AddedToken> tokens, AddedOrder order);

  bool empty() const { return tokens_.empty(); }
  // Calls plain(stretch) and token(id) in the order of the text; no stretch is empty. Special
  // tokens count as text unless `parse_special`.
  void split(std::string_view text, bool parse_special, FunctionRef<void(std::string_view)> plain,
             FunctionRef<void(int32_t)> token) const;

 private:
  struct Cut {
    size_t begin, end;  // with the white space it swallows
    int32_t id;
  };
  const TokenTrie& trie(bool parse_special) const { return parse_special ? all_ : plain_; }
  std::vector<Cut> cut_leftmost(std::string_view text, bool parse_special) const;
  std::vector<Cut> cut_longest(std::string_view text, bool parse_special) const;

  std::vector<AddedToken> tokens_;
  AddedOrder order_ = AddedOrder::kLongest;
  TokenTrie all_;
  TokenTrie plain_;  // without the special ones
};

}  // namespace onmal

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/function_ref.h"

namespace onmal {

enum class WordSplit : uint8_t {
  kLetters,     // runs of letters, digits and marks; punctuation parts words and is dropped
  kWhiteSpace,  // what stands between white space, as fastText cuts
};

struct WordRules {
  WordSplit split = WordSplit::kLetters;
  bool lowercase = false;
};

// The one spelling of a word: NFC, lower case where the rules say so.
std::string canonical_word(std::string_view word, bool lowercase);

// Calls take(word) for each word of `text` in its canonical spelling, and take("") at each line's
// end.
void split_words(std::string_view text, const WordRules& rules,
                 FunctionRef<void(std::string_view word)> take);

}  // namespace onmal

#pragma once

#include <string>
#include <string_view>

#include "corpus/quick_utf8.h"
#include "text/unicode.h"

namespace onmal {

// Whether the form leaves a character alone that joins with nothing but characters for which this
// is false: quick, and often false for others than Hangul, Han and Latin.
bool is_normal_character(uint32_t code, NormalForm form);

// What normalize_unicode gives, but only words with characters that could change go through it.
// The text itself where there is none, else a view of `buffer`. `form` is NFC or NFKC.
std::string_view normalize_by_words(std::string_view text, NormalForm form, std::string& buffer);

}  // namespace onmal

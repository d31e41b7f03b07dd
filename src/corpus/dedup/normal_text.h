#pragma once

#include <string>
#include <string_view>

#include "corpus/quick_utf8.h"
#include "text/unicode.h"

namespace onmal {

// What normalize_unicode gives, but only words with characters that could change go through it.
// The text itself where there is none, else a view of `buffer`. `form` is NFC or NFKC.
std::string_view normalize_by_words(std::string_view text, NormalForm form, std::string& buffer);

}  // namespace onmal

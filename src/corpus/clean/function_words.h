#pragma once

#include <cstdint>

namespace onmal {

// Whether a word of at most eight bytes (lower case, the last byte lowest) is a function word: 0
// no, 1 of English, 2 of another language in Latin script.
int function_word_kind(uint64_t packed);

}  // namespace onmal

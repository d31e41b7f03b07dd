#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace onmal {

// An id for each character of a text, at most `limit`, `unknown` for characters without a token.
// Never empty: a text without characters is one unknown.
std::vector<int32_t> character_ids(const Tokenizer& tokenizer, std::string_view text,
                                   int32_t unknown, int64_t limit);

}  // namespace onmal

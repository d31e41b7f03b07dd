#pragma once

#include <optional>
#include <string_view>

#include "corpus/clean/number_rules.h"

namespace onmal {

// The address whose house number is the digits at `digit` (the first of them), in bytes of `text`.
// No address begins before `floor`.
std::optional<PersonalMatch> match_korean_address(std::string_view text, size_t digit,
                                                  size_t floor);
std::optional<PersonalMatch> match_latin_address(std::string_view text, size_t digit);

}  // namespace onmal

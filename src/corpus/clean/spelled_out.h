#pragma once

#include <optional>
#include <string_view>

#include "corpus/clean/number_rules.h"

namespace onmal {

// Mobile numbers that are not written in plain digits and hyphens, whose first character is at
// `at`: 공일공 이삼사오 …, O1O-2345-…, 010~2345~…. Text as PlainText gives it.
std::optional<PersonalMatch> match_spelled_phone(std::string_view text, size_t at);

// Addresses of mail whose sign is spelt out at `at`: hong(at)example.com, hong골뱅이example.com,
// hong @ example.com. None begins before `floor`.
std::optional<PersonalMatch> match_spelled_email(std::string_view text, size_t at, size_t floor);

}  // namespace onmal

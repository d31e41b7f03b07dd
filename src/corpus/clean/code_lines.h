#pragma once

#include <cstdint>
#include <string_view>

namespace onmal {

enum class LineKind : uint8_t { kEmpty, kProse, kCode, kComment };

// What a line looks like by its signs: brackets and operators, joined calls, keywords at its
// begin, a statement's end; words in a row speak against code. What stands in quotes does not
// count. A comment is a line that begins with one.
LineKind line_kind(std::string_view line);

}  // namespace onmal

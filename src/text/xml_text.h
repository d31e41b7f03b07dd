#pragma once

#include <string>
#include <string_view>

namespace onmal {

// `text` as XML character data or attribute value: marks escaped, control characters as their
// pictures (U+2400…), bytes that are not UTF-8 as U+FFFD.
std::string xml_text(std::string_view text);

}  // namespace onmal

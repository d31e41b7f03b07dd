#pragma once

#include <string>
#include <string_view>

namespace onmal {

// Throws Error(kResource) for HTML whose tree would be so deep, or whose unclosed formatting would
// be repeated so often, that building it takes time or memory out of proportion to its length.
void check_html_shape(std::string_view text, const std::string& where);

}  // namespace onmal

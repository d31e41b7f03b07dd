#pragma once

#include <string_view>
#include <vector>

namespace onmal {

// The characters of a text (bytes that are not UTF-8 by themselves).
std::vector<std::string_view> split_characters(std::string_view text);

}  // namespace onmal

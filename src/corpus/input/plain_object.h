#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// Reads a JSON object (UTF-8) whose values are texts, numbers and words: several times as fast as a
// parser of all JSON. False for anything else, well-formed or not: then `values` mean nothing.
bool read_plain_object(std::string_view json, std::span<const std::string> names,
                       std::vector<std::optional<std::string>>& values);

}  // namespace onmal

#pragma once

#include <string>
#include <string_view>

#include "tokenizer/jinja/value.h"

namespace onmal::jinja {

// A value from JSON, objects in the order of their keys; every string, key or not, gets `mark`.
// Throws Error(kBadFile), naming `where`, for what is not JSON or nests too deep.
Value parse_json(std::string_view json, uint32_t mark, const std::string& where);

}  // namespace onmal::jinja

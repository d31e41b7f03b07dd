#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "infer/json/dfa.h"

namespace onmal::json {

// The shortest JSON escape of a character that must not stand raw in a string.
void append_escaped(uint32_t code, std::string& out);
// A string as JSON with quotes and only the escapes that must be.
std::string quoted_text(std::string_view text);

// Any JSON string: raw UTF-8 and all escapes, surrogates only in pairs.
Dfa make_free_text();
// The regular expression of a "format"; empty: not known.
std::string format_pattern(std::string_view format);

}  // namespace onmal::json

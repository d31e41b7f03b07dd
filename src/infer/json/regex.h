#pragma once

#include <string>
#include <string_view>

#include "infer/json/dfa.h"

namespace onmal::json {

// Strings, as JSON with quotes and only the escapes that must be, that contain a match of
// `pattern`: regular expressions of ECMA 262 in Unicode mode, without lookaround, \b and back
// references. Throws Error(kUnsupported) naming `where` and the construct it does not know, or
// that it is too large; Error(kInvalidArgument) for what is no pattern.
Dfa compile_string_pattern(std::string_view pattern, const std::string& where);
// Texts that are a match as a whole, without quotes and escapes.
Dfa compile_plain_pattern(std::string_view pattern, const std::string& where);

}  // namespace onmal::json

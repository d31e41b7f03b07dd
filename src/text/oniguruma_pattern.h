#pragma once

#include <string>
#include <string_view>

namespace onmal {

// A regular expression of Oniguruma (the engine of Hugging Face's tokenizers, Ruby syntax with
// Unicode classes) in the syntax that Pattern takes, with the same matches: ^ and $ at every line,
// \w \d \s \b by Unicode's definitions, \h a hexadecimal digit, \v one character, {1,3}+ a
// repetition of a repetition, nested classes and intersections written out. Throws
// Error(kUnsupported) naming `where` for what has no equal.
std::string translate_oniguruma(std::string_view pattern, const std::string& where);

}  // namespace onmal

#pragma once

#include <string_view>

namespace onmal {

// About how wide a line of text is in a sans-serif font of this size: wide characters (Hangul, Han)
// a font size each, others 0.6 of it.
double label_width(std::string_view label, double font_size);

}  // namespace onmal

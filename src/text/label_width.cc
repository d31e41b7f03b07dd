#include "text/label_width.h"

#include "text/utf8.h"

namespace onmal {

double label_width(std::string_view label, double font_size) {
  constexpr uint32_t kFirstWide = 0x1100;  // Hangul jamo
  double width = 0;
  for (size_t i = 0; i < label.size();) {
    const Utf8Char c = read_utf8(label, i);
    width += c.valid && c.code >= kFirstWide ? font_size : 0.6 * font_size;
    i += c.length;
  }
  return width;
}

}  // namespace onmal

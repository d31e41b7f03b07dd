#include "text/xml_text.h"

#include "text/utf8.h"

namespace onmal {

std::string xml_text(std::string_view text) {
  constexpr uint32_t kReplacement = 0xFFFD;
  constexpr uint32_t kPictures = 0x2400;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    i += c.length;
    if (!c.valid || c.code == 0xFFFE || c.code == 0xFFFF) {
      append_utf8(kReplacement, out);
    } else if (c.code == '&') {
      out += "&amp;";
    } else if (c.code == '<') {
      out += "&lt;";
    } else if (c.code == '>') {
      out += "&gt;";
    } else if (c.code == '"') {
      out += "&quot;";
    } else if (c.code < 0x20) {
      append_utf8(kPictures + c.code, out);
    } else {
      append_utf8(c.code, out);
    }
  }
  return out;
}

}  // namespace onmal

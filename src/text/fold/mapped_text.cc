#include "text/fold/mapped_text.h"

#include <limits>

#include "base/error.h"
#include "text/utf8.h"

namespace onmal {

MappedText::MappedText(std::string_view text) {
  if (text.size() > std::numeric_limits<uint32_t>::max())
    throw Error(ErrorCode::kResource, "normaliser", "a text has more than 4 GiB",
                "give it in parts");
  codes_.reserve(text.size());
  sources_.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    const auto begin = static_cast<uint32_t>(at);
    add(c.valid ? c.code : 0xFFFD, {begin, begin + c.length});
    at += c.length;
  }
}

std::string MappedText::utf8() const {
  std::string text;
  for (const char32_t code : codes_) append_utf8(code, text);
  return text;
}

}  // namespace onmal

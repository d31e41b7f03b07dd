#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace onmal {

// One character read from bytes. Bytes that are not UTF-8 come one at a time, valid = false, code =
// the byte.
struct Utf8Char {
  uint32_t code;
  uint32_t length;
  bool valid;
};

// Reads the character at `position` (position < text.size()), strictly: no overlong forms,
// surrogates or codes above U+10FFFF (Unicode 15, table 3-7).
Utf8Char read_utf8(std::string_view text, size_t position);

void append_utf8(uint32_t code, std::string& out);

// Position of the first byte that is not UTF-8; npos when all is.
size_t find_invalid_utf8(std::string_view text);

// Characters of valid UTF-8 (bytes that do not continue one).
size_t count_characters(std::string_view text);

// Bytes at the end of `text` that begin a character but do not complete it: 0 to 3.
size_t incomplete_tail(std::string_view text);

}  // namespace onmal

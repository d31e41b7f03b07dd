#pragma once

#include <string>
#include <string_view>

namespace onmal {

struct DecodedText {
  std::string text;  // UTF-8 in NFC; a byte order mark stays (as U+FEFF), and bytes that are not
                     // UTF-8 where `encoding` says UTF-8
  std::string encoding;  // "UTF-8", "UTF-16LE", "UTF-16BE", "windows-949", or what was declared
};

// Text of a file without a declared encoding. A byte order mark decides; then validity as UTF-8;
// then the pattern of zeros of UTF-16; then validity and plausibility as CP949 (Hangul and common
// characters). Throws Error(kUnsupported) naming `where` when the bytes are none of these.
DecodedText decode_text(std::string_view bytes, const std::string& where);

// The same where a label was declared (HTML's and mail's charset). A byte order mark goes first,
// and a label that is unknown or that the bytes contradict is not believed.
DecodedText decode_declared(std::string_view bytes, std::string_view label,
                            const std::string& where);

// Every byte read as `label` by ICU's converter, broken ones as U+FFFD; false for unknown labels.
bool convert_to_utf8(std::string_view bytes, const std::string& label, std::string& text);

// UTF-16 little endian, lone surrogates as U+FFFD.
std::string utf16le_to_utf8(std::string_view bytes);

// Length of a UTF-8 byte order mark at the beginning: 3 or 0.
size_t mark_length(std::string_view text);

}  // namespace onmal

#include "tokenizer/byte_level.h"

#include "text/utf8.h"

namespace onmal {

ByteLevelAlphabet::ByteLevelAlphabet() {
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    const uint32_t code = printable ? byte : next++;
    append_utf8(code, characters_[byte]);
    bytes_.emplace(code, static_cast<char>(byte));
  }
}

std::string ByteLevelAlphabet::write(std::string_view bytes) const {
  std::string text;
  for (const char byte : bytes) text += characters_[static_cast<uint8_t>(byte)];
  return text;
}

bool ByteLevelAlphabet::read(std::string_view text, std::string& bytes) const {
  bytes.clear();
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    const auto found = bytes_.find(c.code);
    if (!c.valid || found == bytes_.end()) return false;
    bytes.push_back(found->second);
    i += c.length;
  }
  return true;
}

}  // namespace onmal

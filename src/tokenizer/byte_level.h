#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>

namespace onmal {

// GPT-2's way of writing bytes as printable characters, used by tokenizer.json and GGUF: bytes that
// are printable in Latin-1 stand for themselves, the others for U+0100 onwards in order.
class ByteLevelAlphabet {
 public:
  ByteLevelAlphabet();

  // Bytes -> printable UTF-8.
  std::string write(std::string_view bytes) const;
  // The inverse; false when a character belongs to no byte.
  bool read(std::string_view text, std::string& bytes) const;

 private:
  std::array<std::string, 256> characters_;
  std::unordered_map<uint32_t, char> bytes_;
};

}  // namespace onmal

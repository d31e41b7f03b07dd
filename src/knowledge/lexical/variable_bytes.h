#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace onmal {

// Numbers in 7 bits a byte, the lowest first; the high bit says that more follow.
inline void append_variable(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Reads numbers off the front of `bytes`; throws Error(kBadFile) naming `where` when they end.
class VariableReader {
 public:
  VariableReader(std::string_view bytes, const std::string& where) : rest_(bytes), where_(&where) {}

  std::string_view rest() const { return rest_; }

  uint8_t byte() {
    if (rest_.empty()) fail("ends too early");
    const auto value = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  uint64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      const uint8_t part = byte();
      value |= static_cast<uint64_t>(part & 0x7F) << shift;
      if (part < 0x80) return value;
    }
    fail("holds a number of more than 63 bits");
  }

  // A number of at most `most`.
  uint64_t number_up_to(uint64_t most) {
    const uint64_t value = number();
    if (value > most) fail("holds a number that is too large");
    return value;
  }

  // A number and so many bytes.
  std::string_view bytes() {
    const uint64_t size = number();
    if (size > rest_.size()) fail("ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadFile, *where_, "a search index " + what, "index the texts again");
  }

 private:
  std::string_view rest_;
  const std::string* where_;
};

}  // namespace onmal

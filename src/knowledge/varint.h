#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace onmal {

// Whole numbers in groups of seven bits, the lowest first (LEB128).
inline void put_varint(std::string& bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
}

// Reads such numbers and stretches of bytes from outside. Throws Error(kBadFile) naming `where` at
// their end.
class VarintReader {
 public:
  VarintReader(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  bool done() const { return at_ == bytes_.size(); }
  uint64_t take() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) fail();
      const auto byte = static_cast<uint8_t>(bytes_[at_++]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }
  // A varint length and so many bytes.
  std::string_view take_bytes() {
    const uint64_t size = take();
    if (size > bytes_.size() - at_) fail();
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kBadFile, where_, "a row of the index is damaged",
                "remove the store and add the documents again");
  }

  std::string_view bytes_;
  const std::string& where_;
  size_t at_ = 0;
};

}  // namespace onmal

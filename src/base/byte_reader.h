#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace onmal {

static_assert(std::endian::native == std::endian::little);

// Appends a number's bytes, little-endian.
template <typename Value>
void put_bytes(std::string& out, Value value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Reads numbers and stretches of bytes from the front. Throws Error(kBadFile) with `where` and
// `hint` for bytes that end too early.
class ByteFront {
 public:
  ByteFront(std::string_view bytes, std::string where, std::string hint)
      : left_(bytes), where_(std::move(where)), hint_(std::move(hint)) {}

  std::string_view take(size_t count) {
    if (count > left_.size()) refuse("ends too early");
    const std::string_view bytes = left_.substr(0, count);
    left_.remove_prefix(count);
    return bytes;
  }
  template <typename Value>
  Value get() {
    Value value;
    std::memcpy(&value, take(sizeof(value)).data(), sizeof(value));
    return value;
  }
  size_t left() const { return left_.size(); }
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kBadFile, where_, what, hint_);
  }

 private:
  std::string_view left_;
  std::string where_, hint_;
};

}  // namespace onmal

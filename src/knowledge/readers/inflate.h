#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace onmal {

// Raw deflate (no zlib header). Throws Error(kBadFile) for broken data, Error(kResource) for more
// than `limit` bytes.
std::string inflate_raw(std::string_view bytes, uint64_t limit, const std::string& where);

}  // namespace onmal

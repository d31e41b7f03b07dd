#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace onmal {

// The whole file, unpacked when its name ends in .gz or .xz. Throws Error(kBadFile) when it is
// damaged, Error(kResource) when it unpacks to more than `limit` bytes.
std::string read_unpacked(const std::filesystem::path& path, uint64_t limit = uint64_t{4} << 30);

}  // namespace onmal

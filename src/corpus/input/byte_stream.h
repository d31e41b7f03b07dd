#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace onmal {

// The bytes of a file from its beginning, unpacked as they are read. Memory does not depend on its
// length.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Fills from the front of `buffer`; fewer bytes than asked for only at the end, 0 behind it.
  // Throws Error(kBadFile) for damaged or cut compressed data (all before it has been given),
  // Error(kIo).
  virtual size_t read(std::span<char> buffer) = 0;
};

// By the first bytes of the file, whatever its name: gzip (several members behind one another are
// one), xz, zstd, or as it is. Throws Error(kIo).
std::unique_ptr<ByteStream> open_byte_stream(const std::filesystem::path& path);

}  // namespace onmal

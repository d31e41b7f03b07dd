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
  // Bytes of the file itself taken so far: how far the reading is.
  virtual uint64_t packed_position() const = 0;
};

// By the first bytes of the file, whatever its name: gzip (several members behind one another are
// one), xz, zstd, or as it is. Throws Error(kIo).
std::unique_ptr<ByteStream> open_byte_stream(const std::filesystem::path& path);

// The same, a file that begins like UTF-16 (a byte order mark, or zeros in every other byte) turned
// to UTF-8 as it is read, lone surrogates as U+FFFD. Other bytes stay as they are.
std::unique_ptr<ByteStream> open_text_stream(const std::filesystem::path& path);

}  // namespace onmal

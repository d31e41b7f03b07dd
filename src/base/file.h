#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace onmal {

// A file mapped read-only into memory. Move-only. Throws Error(kIo) when it cannot be opened or
// mapped.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  const std::filesystem::path& path() const { return path_; }
  // Lets these bytes leave memory; they stay readable. Bytes outside the mapping are left alone.
  void forget(std::span<const std::byte> bytes) const noexcept;

 private:
  void release() noexcept;

  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::filesystem::path path_;
};

// Gives the pages of a stretch of a read-only MappedFile back to the system: looked at again, they
// come from the file. Never for other memory.
void drop_mapped_pages(const void* data, size_t bytes) noexcept;

// Has the system map in the pages of a stretch of a MappedFile, read from the disk where they must
// be: one call instead of a fault for every few pages. A wish: without it they come when looked at.
void map_in_pages(const void* data, size_t bytes) noexcept;

// Writes beside the target, then fsync + rename: the target is the old file or the whole new one,
// never half. Without commit() (an exception, say) the part written is removed. Throws Error(kIo),
// naming a full disk as such.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  // Overwrites bytes already written, e.g. a header whose values are known last.
  void write_at(uint64_t offset, std::span<const std::byte> bytes);
  uint64_t size() const { return size_; }
  void commit();
  // Without fsync: after a power cut the target may be there with other bytes. For what a checksum
  // guards and can be made again.
  void commit_unsynced();

 private:
  void flush();
  void rename_into_place();

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
  std::string buffer_;
};

// The whole file as bytes. Throws Error(kIo) when missing, Error(kResource) when larger than
// `limit` bytes.
std::string read_file(const std::filesystem::path& path, uint64_t limit = uint64_t{1} << 40);

// Writes `text` to `path` atomically.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace onmal

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace onmal {

// How much memory a stage may hold, and where the rest goes.
struct SpillOptions {
  std::filesystem::path folder;  // made where it is missing; must be there on disk, not in memory
  uint64_t memory_bytes = uint64_t{1} << 30;
};

// Blocks of bytes, each with its checksum, kept in memory up to a limit and behind it in a file of
// the folder. The file has no name: it goes with the object, or with the process however it ends.
// Reading from several threads is fine while nobody appends. Throws Error(kIo) where the system
// refuses (a full disk is named as such).
class SpillFile {
 public:
  // Nothing is written, no folder made, before `buffer_bytes` are full.
  SpillFile(std::filesystem::path folder, uint64_t buffer_bytes);
  ~SpillFile();
  SpillFile(SpillFile&& other) noexcept;
  SpillFile& operator=(SpillFile&& other) noexcept;

  // Returns the block's place. At most 4 GiB - 1 a block (Error kResource).
  uint64_t append(std::span<const std::byte> bytes);
  // The block at a place that append() gave. Throws Error(kBadFile) when it is not as written.
  void read(uint64_t place, std::vector<std::byte>& bytes) const;
  // The place behind a block of `bytes` at `place`.
  static uint64_t place_behind(uint64_t place, uint64_t bytes);

  bool on_disk() const { return descriptor_ >= 0; }
  uint64_t size() const { return written_ + buffer_.size(); }

 private:
  void open_file();
  void flush();
  void write_out(const std::byte* data, size_t bytes);
  void read_raw(uint64_t place, std::byte* out, size_t bytes) const;

  std::filesystem::path folder_;
  uint64_t buffer_bytes_ = 0;
  int descriptor_ = -1;
  uint64_t written_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace onmal

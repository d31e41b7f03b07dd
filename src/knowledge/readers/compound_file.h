#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// An OLE compound file (MS-CFB): streams in a tree of storages. Reads from bytes that must outlive
// it. Throws Error(kBadFile) for anything that is not as the format says: chains that circle or
// leave the file, sizes beyond it.
class CompoundFile {
 public:
  struct Entry {
    std::string path;  // UTF-8, storages before it with slashes: "BodyText/Section0"
    uint32_t first_sector = 0;
    uint64_t size = 0;
  };

  CompoundFile(std::string_view bytes, std::string where);

  // Streams in the order of the directory's numbers.
  const std::vector<Entry>& streams() const { return streams_; }
  const Entry* find(std::string_view path) const;
  // Bytes of a stream; no longer than the file.
  std::string read(const Entry& entry) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  std::string_view sector(uint32_t number) const;
  std::vector<uint32_t> chain(uint32_t first, const std::vector<uint32_t>& table) const;
  void read_header();
  void read_table();
  void read_directory();
  void walk_directory(std::string_view directory, uint32_t root);

  std::string_view bytes_;
  std::string where_;
  uint32_t sector_bytes_ = 512;
  uint32_t mini_sector_bytes_ = 64;
  uint32_t sectors_ = 0;  // that the file has room for
  uint32_t directory_start_ = 0;
  uint32_t mini_table_start_ = 0;
  uint32_t mini_stream_limit_ = 4096;
  std::vector<uint32_t> table_;       // the sector after each sector
  std::vector<uint32_t> mini_table_;  // the same for the small sectors inside the mini stream
  std::string mini_stream_;
  std::vector<Entry> streams_;
};

}  // namespace onmal

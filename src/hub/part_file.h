#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace onmal {

// "TARGET.part": what has come of a file so far, with its checksums. Locked against another
// program's use. Left in place unless finished or discarded.
class PartFile {
 public:
  // Opens or creates it, and reads through what is there. Throws Error(kIo).
  explicit PartFile(const std::filesystem::path& target);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  uint64_t size() const { return size_; }
  void append(std::string_view bytes);
  // Starts anew.
  void clear();
  // The file's checksums; nothing may be appended afterwards.
  void finish_digests(std::string& sha256, std::string& git_sha1);
  // To the disk, and under its own name.
  void commit();
  // Removes it.
  void discard();

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
  Sha256 sha256_;
};

// Checksums of a whole file.
std::string sha256_of(const std::filesystem::path& file);
std::string git_sha1_of(const std::filesystem::path& file);

}  // namespace onmal

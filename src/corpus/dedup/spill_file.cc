#include "corpus/dedup/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "corpus/dedup/block_checksum.h"
#include "corpus/dedup/huge_pages.h"

namespace onmal {
namespace {

constexpr uint32_t kSpillMark = 0x4C50534F;  // "OSPL"

struct SpillHeader {
  uint32_t mark;
  uint32_t bytes;
  uint64_t checksum;
};
static_assert(sizeof(SpillHeader) == 16);

[[noreturn]] void fail(const std::filesystem::path& folder, const std::string& what, int error) {
  throw Error(ErrorCode::kIo, folder.string(), what + ": " + std::strerror(error),
              error == ENOSPC ? "the disk is full: free space or choose another folder"
                              : "check the folder for temporary files");
}

uint64_t checksum_at(std::span<const std::byte> bytes, uint64_t place) {
  return block_checksum({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, place);
}

}  // namespace

SpillFile::SpillFile(std::filesystem::path folder, uint64_t buffer_bytes)
    : folder_(std::move(folder)), buffer_bytes_(buffer_bytes) {}

SpillFile::~SpillFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

SpillFile::SpillFile(SpillFile&& other) noexcept
    : folder_(std::move(other.folder_)),
      buffer_bytes_(other.buffer_bytes_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      written_(std::exchange(other.written_, 0)),
      buffer_(std::move(other.buffer_)) {}

SpillFile& SpillFile::operator=(SpillFile&& other) noexcept {
  if (this == &other) return *this;
  if (descriptor_ >= 0) ::close(descriptor_);
  folder_ = std::move(other.folder_);
  buffer_bytes_ = other.buffer_bytes_;
  descriptor_ = std::exchange(other.descriptor_, -1);
  written_ = std::exchange(other.written_, 0);
  buffer_ = std::move(other.buffer_);
  return *this;
}

void SpillFile::open_file() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) fail(folder_, "cannot make the folder for temporary files", error.value());
  std::string name = (folder_ / "onmal-spill-XXXXXX").string();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail(folder_, "cannot create a temporary file", errno);
  if (::unlink(name.c_str()) != 0) fail(folder_, "cannot unlink a temporary file", errno);
}

void SpillFile::write_out(const std::byte* data, size_t bytes) {
  if (descriptor_ < 0) open_file();
  while (bytes > 0) {
    const ssize_t done = ::pwrite(descriptor_, data, bytes, static_cast<off_t>(written_));
    if (done < 0) {
      if (errno == EINTR) continue;
      fail(folder_, "cannot write a temporary file", errno);
    }
    data += done;
    written_ += static_cast<uint64_t>(done);
    bytes -= static_cast<size_t>(done);
  }
}

void SpillFile::flush() {
  if (buffer_.empty()) return;
  write_out(buffer_.data(), buffer_.size());
  buffer_.clear();
}

uint64_t SpillFile::append(std::span<const std::byte> bytes) {
  if (bytes.size() > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::kResource, folder_.string(),
                "a document's record of " + std::to_string(bytes.size()) + " bytes is over 4 GiB",
                "cut the document");
  }
  const uint64_t place = size();
  const SpillHeader header{kSpillMark, static_cast<uint32_t>(bytes.size()),
                           checksum_at(bytes, place)};
  const uint64_t room = bytes.size() + sizeof header;
  if (buffer_.size() + room > buffer_bytes_) flush();
  const std::byte* head = reinterpret_cast<const std::byte*>(&header);
  if (room > buffer_bytes_) {
    write_out(head, sizeof header);
    write_out(bytes.data(), bytes.size());
  } else {
    // Beyond a MiB all at once: what is not touched is not in memory, a move would hold both
    // places.
    constexpr uint64_t kSmall = uint64_t{1} << 20;
    if (buffer_.size() + room > buffer_.capacity() && buffer_.size() + room > kSmall) {
      buffer_.reserve(buffer_bytes_);
      prefer_huge_pages(buffer_.data(), buffer_.capacity());
    }
    buffer_.insert(buffer_.end(), head, head + sizeof header);
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  return place;
}

void SpillFile::read_raw(uint64_t place, std::byte* out, size_t bytes) const {
  if (place >= written_ && place - written_ + bytes <= buffer_.size()) {
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(place - written_), bytes, out);
    return;
  }
  while (bytes > 0) {
    const ssize_t done = ::pread(descriptor_, out, bytes, static_cast<off_t>(place));
    if (done < 0) {
      if (errno == EINTR) continue;
      fail(folder_, "cannot read a temporary file", errno);
    }
    if (done == 0) {
      throw Error(ErrorCode::kBadFile, folder_.string(), "a temporary file is cut short",
                  "run again; check the disk if it happens twice");
    }
    out += done;
    place += static_cast<uint64_t>(done);
    bytes -= static_cast<size_t>(done);
  }
}

void SpillFile::read(uint64_t place, std::vector<std::byte>& bytes) const {
  const auto damaged = [&] {
    throw Error(ErrorCode::kBadFile, folder_.string(),
                "a temporary file is damaged at byte " + std::to_string(place),
                "run again; check the disk if it happens twice");
  };
  SpillHeader header{};
  if (place > size() || size() - place < sizeof header) damaged();
  read_raw(place, reinterpret_cast<std::byte*>(&header), sizeof header);
  const uint64_t left = size() - place - sizeof header;
  if (header.mark != kSpillMark || header.bytes > left) damaged();
  bytes.resize(header.bytes);
  read_raw(place + sizeof header, bytes.data(), bytes.size());
  if (checksum_at(bytes, place) != header.checksum) damaged();
}

uint64_t SpillFile::place_behind(uint64_t place, uint64_t bytes) {
  return place + sizeof(SpillHeader) + bytes;
}

}  // namespace onmal

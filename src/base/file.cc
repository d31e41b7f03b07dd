#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what, int error) {
  const std::string hint = error == ENOSPC ? "the disk is full: free space or choose another place"
                           : error == ENOENT ? "check the path"
                           : error == EACCES ? "check the permissions"
                                             : "";
  throw Error(ErrorCode::kIo, path.string(), what + ": " + std::strerror(error), hint);
}

void write_all(int descriptor, const char* data, size_t size, const std::filesystem::path& path) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(path, "cannot write", errno);
    }
    data += written;
    size -= static_cast<size_t>(written);
  }
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(path, "cannot open", errno);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    const int error = S_ISDIR(status.st_mode) ? EISDIR : (errno != 0 ? errno : EINVAL);
    ::close(descriptor);
    fail(path, "cannot read as a file", error);
  }
  size_ = static_cast<size_t>(status.st_size);
  if (size_ > 0) {
    void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapping == MAP_FAILED) {
      const int error = errno;
      ::close(descriptor);
      fail(path, "cannot map", error);
    }
    data_ = static_cast<const std::byte*>(mapping);
  }
  ::close(descriptor);
}

MappedFile::~MappedFile() { release(); }

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    path_ = std::move(other.path_);
  }
  return *this;
}

void MappedFile::release() noexcept {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  data_ = nullptr;
}

void MappedFile::forget(std::span<const std::byte> bytes) const noexcept {
  const auto start = reinterpret_cast<uintptr_t>(data_);
  const auto first = reinterpret_cast<uintptr_t>(bytes.data());
  if (data_ == nullptr || first < start || first + bytes.size() > start + size_) return;
  drop_mapped_pages(bytes.data(), bytes.size());
}

namespace {

// Of the pages that lie in the stretch with all they hold. A wish: failure changes nothing.
void advise_pages(const void* data, size_t bytes, int advice) noexcept {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

void drop_mapped_pages(const void* data, size_t bytes) noexcept {
  advise_pages(data, bytes, MADV_DONTNEED);
}

void map_in_pages(const void* data, size_t bytes) noexcept {
#ifdef MADV_POPULATE_READ
  advise_pages(data, bytes, MADV_POPULATE_READ);
#else
  advise_pages(data, bytes, MADV_WILLNEED);
#endif
}

AtomicFile::AtomicFile(std::filesystem::path target) : target_(std::move(target)) {
  temporary_ = target_;
  temporary_ += ".part-" + std::to_string(::getpid());
  descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail(temporary_, "cannot create", errno);
  buffer_.reserve(kBufferBytes);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
  }
}

void AtomicFile::flush() {
  write_all(descriptor_, buffer_.data(), buffer_.size(), temporary_);
  buffer_.clear();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void AtomicFile::write(std::string_view text) {
  ONMAL_ASSERT(descriptor_ >= 0);
  if (buffer_.size() + text.size() > kBufferBytes) flush();
  if (text.size() >= kBufferBytes) {
    write_all(descriptor_, text.data(), text.size(), temporary_);
  } else {
    buffer_.append(text);
  }
  size_ += text.size();
}

void AtomicFile::write_at(uint64_t offset, std::span<const std::byte> bytes) {
  ONMAL_ASSERT(descriptor_ >= 0 && offset + bytes.size() <= size_);
  flush();
  const char* data = reinterpret_cast<const char*>(bytes.data());
  size_t left = bytes.size();
  while (left > 0) {
    const ssize_t written = ::pwrite(descriptor_, data, left, static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(temporary_, "cannot write", errno);
    }
    data += written;
    offset += static_cast<uint64_t>(written);
    left -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  flush();
  if (::fsync(descriptor_) != 0) fail(temporary_, "cannot sync", errno);
  rename_into_place();
  const std::filesystem::path folder = target_.has_parent_path() ? target_.parent_path() : ".";
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

void AtomicFile::commit_unsynced() {
  flush();
  rename_into_place();
}

void AtomicFile::rename_into_place() {
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(temporary_, "cannot close", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail(target_, "cannot rename into place", error);
  }
}

std::string read_file(const std::filesystem::path& path, uint64_t limit) {
  const MappedFile file(path);
  if (file.bytes().size() > limit) {
    throw Error(ErrorCode::kResource, path.string(),
                "is " + std::to_string(file.bytes().size()) + " bytes, over the limit of " +
                    std::to_string(limit));
  }
  return std::string(file.text());
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace onmal

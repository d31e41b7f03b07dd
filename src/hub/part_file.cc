#include "hub/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace onmal {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what, int error) {
  const std::string hint = error == ENOSPC
                               ? "the disk is full: free space, then run the same command to go on"
                           : error == EACCES ? "check the permissions"
                                             : "";
  throw Error(ErrorCode::kIo, path.string(), what + ": " + std::strerror(error), hint);
}

// Bytes of a file, a piece at a time.
template <typename Digest>
void add_file(const std::filesystem::path& path, Digest& digest) {
  const MappedFile file(path);
  constexpr size_t kPiece = size_t{1} << 22;
  for (size_t at = 0; at < file.bytes().size(); at += kPiece) {
    const auto piece = file.bytes().subspan(at, std::min(kPiece, file.bytes().size() - at));
    digest.add(piece);
    file.forget(piece);
  }
}

}  // namespace

PartFile::PartFile(const std::filesystem::path& target) : target_(target), path_(target) {
  path_ += ".part";
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor_ < 0) fail(path_, "cannot create", errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    ::close(std::exchange(descriptor_, -1));
    throw Error(ErrorCode::kIo, path_.string(), "another program is fetching this file");
  }
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) {
    const int error = errno;
    ::close(std::exchange(descriptor_, -1));
    fail(path_, "cannot look at", error);
  }
  size_ = static_cast<uint64_t>(status.st_size);
  if (size_ > 0) add_file(path_, sha256_);
  ::lseek(descriptor_, 0, SEEK_END);
}

PartFile::~PartFile() {
  if (descriptor_ < 0) return;
  if (size_ == 0) ::unlink(path_.c_str());  // there is nothing to go on from
  ::close(descriptor_);
}

void PartFile::append(std::string_view bytes) {
  ONMAL_ASSERT(descriptor_ >= 0);
  sha256_.add(std::as_bytes(std::span(bytes.data(), bytes.size())));
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(path_, "cannot write", errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
    size_ += static_cast<uint64_t>(written);
  }
}

void PartFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) fail(path_, "cannot empty", errno);
  ::lseek(descriptor_, 0, SEEK_SET);
  size_ = 0;
  sha256_ = {};
}

void PartFile::finish_digests(std::string& sha256, std::string& git_sha1) {
  sha256 = sha256_.finish();
  if (!git_sha1.empty()) git_sha1 = git_sha1_of(path_);
}

void PartFile::commit() {
  if (::fsync(descriptor_) != 0) fail(path_, "cannot sync", errno);
  if (::rename(path_.c_str(), target_.c_str()) != 0)
    fail(target_, "cannot rename into place", errno);
  ::close(std::exchange(descriptor_, -1));
  const std::filesystem::path folder = target_.has_parent_path() ? target_.parent_path() : ".";
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

void PartFile::discard() {
  ::unlink(path_.c_str());
  ::close(std::exchange(descriptor_, -1));
}

std::string sha256_of(const std::filesystem::path& file) {
  Sha256 digest;
  add_file(file, digest);
  return digest.finish();
}

std::string git_sha1_of(const std::filesystem::path& file) {
  const std::string head = "blob " + std::to_string(std::filesystem::file_size(file)) + '\0';
  Sha1 digest;
  digest.add(std::as_bytes(std::span(head.data(), head.size())));
  add_file(file, digest);
  return digest.finish();
}

}  // namespace onmal

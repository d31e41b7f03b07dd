#include "corpus/input/byte_stream.h"

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kPackedBytes = size_t{1} << 18;
constexpr uint64_t kMostDecoderBytes = uint64_t{1} << 28;  // of an xz or zstd window

class PlainFile {
 public:
  explicit PlainFile(const std::filesystem::path& path) : path_(path.string()) {
    // Without waiting for somebody to write to a pipe.
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) fail("cannot open");
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      throw Error(ErrorCode::kIo, path_, "is no regular file");
    }
    ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~PlainFile() { ::close(descriptor_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  size_t read(std::span<char> buffer) {
    size_t filled = 0;
    while (filled < buffer.size()) {
      const ssize_t got = ::read(descriptor_, buffer.data() + filled, buffer.size() - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("cannot read");
      if (got == 0) break;
      filled += static_cast<size_t>(got);
    }
    position_ += filled;
    return filled;
  }
  void rewind() {
    ::lseek(descriptor_, 0, SEEK_SET);
    position_ = 0;
  }
  uint64_t position() const { return position_; }
  const std::string& path() const { return path_; }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kIo, path_, what + ": " + std::strerror(errno));
  }

  std::string path_;
  int descriptor_ = -1;
  uint64_t position_ = 0;
};

// What unpackers share: packed bytes come in, unpacked ones go out.
class PackedStream : public ByteStream {
 public:
  explicit PackedStream(std::unique_ptr<PlainFile> file)
      : file_(std::move(file)), packed_(kPackedBytes) {}

  size_t read(std::span<char> buffer) override {
    size_t filled = 0;
    while (filled < buffer.size() && !done_) {
      if (begin_ == end_ && !ended_) {
        begin_ = 0;
        end_ = file_->read(packed_);
        ended_ = end_ < packed_.size();
      }
      const size_t before = begin_;
      const size_t got = unpack(buffer.subspan(filled));
      filled += got;
      if (got == 0 && begin_ == before && begin_ == end_ && ended_ && !done_) {
        if (filled > 0) return filled;  // what is whole comes first
        fail("ends in the middle");
      }
    }
    return filled;
  }
  uint64_t packed_position() const override { return file_->position(); }

 protected:
  // Unpacks some of [begin_, end_) of packed_ into `out`; sets done_ at the end of all.
  virtual size_t unpack(std::span<char> out) = 0;

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadFile, file_->path(), "the compressed data " + what,
                "fetch the file again");
  }
  const char* input() const { return packed_.data() + begin_; }
  size_t available() const { return end_ - begin_; }
  bool at_end() const { return begin_ == end_ && ended_; }
  // Whether the file is over; asks it where it is not known yet.
  bool no_more() {
    if (begin_ == end_ && !ended_) {
      begin_ = 0;
      end_ = file_->read(packed_);
      ended_ = end_ < packed_.size();
    }
    return at_end();
  }

  std::unique_ptr<PlainFile> file_;
  std::vector<char> packed_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool ended_ = false;  // the file has no more
  bool done_ = false;
};

class GzipStream : public PackedStream {
 public:
  explicit GzipStream(std::unique_ptr<PlainFile> file) : PackedStream(std::move(file)) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&state_, kGzipOnly) != Z_OK)
      throw Error(ErrorCode::kResource, file_->path(), "too little memory to unpack it");
  }
  ~GzipStream() override { inflateEnd(&state_); }

 private:
  size_t unpack(std::span<char> out) override {
    state_.next_in = reinterpret_cast<Bytef*>(packed_.data() + begin_);
    state_.avail_in = static_cast<uInt>(available());
    state_.next_out = reinterpret_cast<Bytef*>(out.data());
    state_.avail_out = static_cast<uInt>(out.size());
    const int status = inflate(&state_, Z_NO_FLUSH);
    begin_ = end_ - state_.avail_in;
    const size_t got = out.size() - state_.avail_out;
    if (status == Z_STREAM_END) {
      // Another member may follow; zeros that pad a tape do not count.
      done_ = no_more() || *input() != '\x1F';
      if (!done_) inflateReset(&state_);
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail("is damaged");
    }
    return got;
  }

  z_stream state_ = {};
};

class XzStream : public PackedStream {
 public:
  explicit XzStream(std::unique_ptr<PlainFile> file) : PackedStream(std::move(file)) {
    if (lzma_stream_decoder(&state_, kMostDecoderBytes, LZMA_CONCATENATED) != LZMA_OK)
      throw Error(ErrorCode::kResource, file_->path(), "too little memory to unpack it");
  }
  ~XzStream() override { lzma_end(&state_); }

 private:
  size_t unpack(std::span<char> out) override {
    state_.next_in = reinterpret_cast<const uint8_t*>(input());
    state_.avail_in = available();
    state_.next_out = reinterpret_cast<uint8_t*>(out.data());
    state_.avail_out = out.size();
    const lzma_ret status = lzma_code(&state_, ended_ ? LZMA_FINISH : LZMA_RUN);
    begin_ = end_ - state_.avail_in;
    if (status == LZMA_STREAM_END) {
      done_ = true;
    } else if (status != LZMA_OK && status != LZMA_BUF_ERROR) {
      fail("is damaged");
    }
    return out.size() - state_.avail_out;
  }

  lzma_stream state_ = LZMA_STREAM_INIT;
};

class ZstdStream : public PackedStream {
 public:
  explicit ZstdStream(std::unique_ptr<PlainFile> file)
      : PackedStream(std::move(file)), state_(ZSTD_createDStream(), ZSTD_freeDStream) {
    if (state_ == nullptr)
      throw Error(ErrorCode::kResource, file_->path(), "too little memory to unpack it");
    constexpr int kMostWindowBits = 28;
    ZSTD_DCtx_setParameter(state_.get(), ZSTD_d_windowLogMax, kMostWindowBits);
  }

 private:
  size_t unpack(std::span<char> out) override {
    ZSTD_inBuffer in = {input(), available(), 0};
    ZSTD_outBuffer to = {out.data(), out.size(), 0};
    const size_t left = ZSTD_decompressStream(state_.get(), &to, &in);
    if (ZSTD_isError(left) != 0) fail("is damaged");
    begin_ += in.pos;
    if (left == 0) done_ = no_more();  // else another frame
    return to.pos;
  }

  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> state_;
};

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(std::unique_ptr<PlainFile> file) : file_(std::move(file)) {}
  size_t read(std::span<char> buffer) override { return file_->read(buffer); }
  uint64_t packed_position() const override { return file_->position(); }

 private:
  std::unique_ptr<PlainFile> file_;
};

}  // namespace

std::unique_ptr<ByteStream> open_byte_stream(const std::filesystem::path& path) {
  using std::literals::operator""sv;
  auto file = std::make_unique<PlainFile>(path);
  std::array<char, 6> magic{};
  const std::string_view first(magic.data(), file->read(magic));
  file->rewind();
  if (first.starts_with("\x1F\x8B"sv)) return std::make_unique<GzipStream>(std::move(file));
  if (first.starts_with("\xFD"
                        "7zXZ\0"sv))
    return std::make_unique<XzStream>(std::move(file));
  if (first.starts_with("\x28\xB5\x2F\xFD"sv)) return std::make_unique<ZstdStream>(std::move(file));
  return std::make_unique<PlainStream>(std::move(file));
}

}  // namespace onmal

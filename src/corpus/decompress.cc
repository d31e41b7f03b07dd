#include "corpus/decompress.h"

#include <lzma.h>
#include <zlib.h>

#include <memory>

#include "base/error.h"
#include "base/file.h"

namespace onmal {
namespace {

constexpr size_t kStep = size_t{1} << 20;

[[noreturn]] void too_large(const std::filesystem::path& path, uint64_t limit) {
  throw Error(ErrorCode::kResource, path.string(),
              "unpacks to more than " + std::to_string(limit) + " bytes");
}

[[noreturn]] void damaged(const std::filesystem::path& path) {
  throw Error(ErrorCode::kBadFile, path.string(), "the compressed data is damaged or cut short",
              "fetch the file again");
}

std::string unpack_gzip(const std::filesystem::path& path, uint64_t limit) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (file == nullptr) throw Error(ErrorCode::kIo, path.string(), "cannot open", "check the path");
  std::string text;
  for (;;) {
    const size_t before = text.size();
    text.resize(before + kStep);
    const int got = gzread(file.get(), text.data() + before, static_cast<unsigned>(kStep));
    if (got < 0) damaged(path);
    text.resize(before + static_cast<size_t>(got));
    if (text.size() > limit) too_large(path, limit);
    if (got == 0) break;
  }
  int status = Z_OK;
  gzerror(file.get(), &status);
  if (status != Z_OK && status != Z_STREAM_END) damaged(path);
  return text;
}

std::string unpack_xz(const std::filesystem::path& path, uint64_t limit) {
  const MappedFile file(path);
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, uint64_t{1} << 30, LZMA_CONCATENATED) != LZMA_OK) damaged(path);
  const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> guard(&stream, lzma_end);
  stream.next_in = reinterpret_cast<const uint8_t*>(file.bytes().data());
  stream.avail_in = file.bytes().size();
  std::string text;
  for (;;) {
    const size_t before = text.size();
    text.resize(before + kStep);
    stream.next_out = reinterpret_cast<uint8_t*>(text.data() + before);
    stream.avail_out = kStep;
    const lzma_ret status = lzma_code(&stream, LZMA_FINISH);
    text.resize(before + kStep - stream.avail_out);
    if (text.size() > limit) too_large(path, limit);
    if (status == LZMA_STREAM_END) return text;
    if (status != LZMA_OK) damaged(path);
  }
}

}  // namespace

std::string read_unpacked(const std::filesystem::path& path, uint64_t limit) {
  if (path.extension() == ".gz") return unpack_gzip(path, limit);
  if (path.extension() == ".xz") return unpack_xz(path, limit);
  return read_file(path, limit);
}

}  // namespace onmal

#include "knowledge/readers/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"

namespace onmal {
namespace {

class Inflater {
 public:
  explicit Inflater(const std::string& where) : where_(where) {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK)
      throw Error(ErrorCode::kResource, where, "no memory to inflate with");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  std::string run(std::string_view bytes, uint64_t limit) {
    std::string result;
    std::array<char, 65536> buffer;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    for (;;) {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = static_cast<uInt>(buffer.size());
      const int status = inflate(&stream_, Z_NO_FLUSH);
      const size_t made = buffer.size() - stream_.avail_out;
      if (result.size() + made > limit)
        throw Error(ErrorCode::kResource, where_,
                    "unpacks to more than " + std::to_string(limit) + " bytes");
      result.append(buffer.data(), made);
      if (status == Z_STREAM_END) return result;
      if (status != Z_OK)
        throw Error(ErrorCode::kBadFile, where_, "broken or cut off compressed data");
    }
  }

 private:
  z_stream stream_ = {};
  std::string where_;
};

}  // namespace

std::string inflate_raw(std::string_view bytes, uint64_t limit, const std::string& where) {
  if (bytes.size() > std::numeric_limits<uInt>::max())
    throw Error(ErrorCode::kResource, where, "more than 4 GB of compressed data");
  return Inflater(where).run(bytes, limit);
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/input/byte_stream.h"

namespace onmal {

// Lines of a stream, and stretches of bytes between them (of WARC records).
class LineStream {
 public:
  // Of a line beyond `longest_line` only its beginning is kept.
  explicit LineStream(std::unique_ptr<ByteStream> bytes,
                      uint64_t longest_line = uint64_t{64} << 20);

  // False at the end. The line has no end (\n or \r\n); good until the next call.
  bool next(std::string_view& line);
  // Whether the last line was longer than allowed, and how long it was.
  bool was_cut() const { return line_bytes_ > longest_; }
  uint64_t line_bytes() const { return line_bytes_; }
  uint64_t line_number() const { return number_; }
  // Where the last line began, in unpacked bytes.
  uint64_t offset() const { return line_at_; }
  uint64_t packed_position() const { return bytes_->packed_position(); }

  // So many bytes as they are, the first `most` of them kept, the others passed over. False when
  // the stream ends before.
  bool take(uint64_t count, uint64_t most, std::string& bytes);

 private:
  bool fill();

  std::unique_ptr<ByteStream> bytes_;
  uint64_t longest_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t at_ = 0;  // of buffer_[begin_]
  std::string held_;
  uint64_t line_at_ = 0;
  uint64_t line_bytes_ = 0;
  uint64_t number_ = 0;
};

}  // namespace onmal

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "corpus/input/line_stream.h"

namespace onmal {

// One record of a web archive (ISO 28500, WARC/1.0 and 1.1).
struct WarcRecord {
  std::string type;     // "response", "conversion", "request", "warcinfo", …
  std::string url;      // WARC-Target-URI
  std::string body;     // of a response: without the HTTP header, chunks put together
  std::string charset;  // what the HTTP header says
  bool is_html = false;
  bool cut = false;  // longer than allowed; the body is its beginning
};

class WarcReader {
 public:
  WarcReader(std::unique_ptr<ByteStream> bytes, uint64_t most_body_bytes);

  // False at the end. Throws Error(kBadFile) where no record begins or one is cut short.
  bool next(WarcRecord& record);
  uint64_t records() const { return records_; }
  // Where the last record began, in unpacked bytes.
  uint64_t offset() const { return offset_; }
  uint64_t packed_position() const { return lines_.packed_position(); }

 private:
  LineStream lines_;
  uint64_t most_;
  uint64_t records_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace onmal

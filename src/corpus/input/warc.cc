#include "corpus/input/warc.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"

namespace onmal {
namespace {

constexpr uint64_t kLongestHeaderLine = 65536;
constexpr int kMostHeaderLines = 1000;
constexpr uint64_t kMostHttpHeader = 65536;

// "Name: value" in two; an empty name where there is no colon.
std::pair<std::string, std::string_view> header_of(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  return {lower_ascii(trim_ascii(line.substr(0, colon))), trim_ascii(line.substr(colon + 1))};
}

// Chunked transfer coding (RFC 9112, 7.1) put together; as much as is whole.
std::string join_chunks(std::string_view body) {
  std::string out;
  while (!body.empty()) {
    const size_t line = body.find("\r\n");
    if (line == std::string_view::npos) return out;
    uint64_t size = 0;
    const auto parsed = std::from_chars(body.data(), body.data() + line, size, 16);
    body.remove_prefix(line + 2);
    if (parsed.ec != std::errc{} || size == 0 || size > body.size()) return out;
    out.append(body.substr(0, size));
    body.remove_prefix(size);
    if (body.starts_with("\r\n")) body.remove_prefix(2);
  }
  return out;
}

void read_http(WarcRecord& record) {
  const std::string_view whole = record.body;
  const size_t blank = whole.substr(0, kMostHttpHeader).find("\r\n\r\n");
  if (blank == std::string_view::npos) return;
  bool chunked = false;
  for (size_t begin = whole.find("\r\n") + 2; begin < blank;) {
    const size_t end = std::min(whole.find("\r\n", begin), blank);
    const auto [name, value] = header_of(whole.substr(begin, end - begin));
    if (name == "content-type") {
      const std::string type = lower_ascii(value);
      record.is_html = type.starts_with("text/html") || type.starts_with("application/xhtml");
      const size_t charset = type.find("charset=");
      if (charset != std::string::npos) {
        record.charset = type.substr(charset + 8, type.find(';', charset) - charset - 8);
        std::erase(record.charset, '"');
      }
    }
    chunked = chunked || (name == "transfer-encoding" && lower_ascii(value) == "chunked");
    begin = end + 2;
  }
  std::string body(whole.substr(blank + 4));
  record.body = chunked ? join_chunks(body) : std::move(body);
}

}  // namespace

WarcReader::WarcReader(std::unique_ptr<ByteStream> bytes, uint64_t most_body_bytes)
    : lines_(std::move(bytes), kLongestHeaderLine), most_(most_body_bytes) {}

bool WarcReader::next(WarcRecord& record) {
  record = {};
  std::string_view line;
  do {  // blank lines lie between records
    if (!lines_.next(line)) return false;
  } while (line.empty());
  const std::string where = "WARC record " + std::to_string(records_ + 1);
  if (!line.starts_with("WARC/1."))
    throw Error(ErrorCode::kBadFile, where, "does not begin with \"WARC/1.\"");
  ++records_;
  offset_ = lines_.offset();
  uint64_t length = 0;
  bool has_length = false;
  int headers = 0;
  while (lines_.next(line) && !line.empty()) {
    if (++headers > kMostHeaderLines)
      throw Error(ErrorCode::kBadFile, where, "has no end of header");
    const auto [name, value] = header_of(line);
    if (name == "warc-type") record.type = lower_ascii(value);
    if (name == "warc-target-uri") record.url = value;
    if (name == "content-length") {
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length);
      has_length = parsed.ec == std::errc{} && parsed.ptr == value.data() + value.size();
    }
  }
  if (!has_length) throw Error(ErrorCode::kBadFile, where, "states no Content-Length");
  if (!lines_.take(length, most_, record.body))
    throw Error(ErrorCode::kBadFile, where, "is cut short");
  record.cut = length > most_;
  if (record.type == "response") read_http(record);
  return true;
}

}  // namespace onmal

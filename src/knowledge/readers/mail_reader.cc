#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "base/error.h"
#include "knowledge/readers/reader.h"
#include "text/encoding.h"
#include "text/unicode.h"

namespace onmal {
namespace {

constexpr int kMostMailDepth = 16;
constexpr int kMostParts = 1000;
constexpr size_t kMostHeaderBytes = size_t{1} << 20;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decode_quoted(std::string_view text, bool in_word) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_word && text[i] == '_') {
      result += ' ';
    } else if (text[i] != '=') {
      result += text[i];
    } else if (i + 2 < text.size() + 0 && hex_digit(text[i + 1]) >= 0 &&
               hex_digit(text[i + 2]) >= 0) {
      result += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else if (text.substr(i + 1, 2) == "\r\n") {
      i += 2;
    } else if (text.substr(i + 1, 1) == "\n") {
      i += 1;
    } else {
      result += '=';
    }
  }
  return result;
}

std::string decode_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) continue;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    result += static_cast<char>(bits >> count & 0xFF);
  }
  return result;
}

// "=?utf-8?B?7J2064qU?=" and the like (RFC 2047); white space between two such words means nothing.
std::string decode_words(std::string_view text, const std::string& where) {
  std::string result;
  bool after_word = false;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = std::min(text.find("=?", at), text.size());
    const std::string_view between = text.substr(at, begin - at);
    const bool blank = between.find_first_not_of(" \t\r\n") == between.npos;
    const size_t charset_end = text.find('?', begin + 2);
    const size_t kind_end = charset_end == text.npos ? text.npos : text.find('?', charset_end + 1);
    const size_t end = kind_end == text.npos ? text.npos : text.find("?=", kind_end + 1);
    if (end == text.npos || kind_end != charset_end + 2) {
      if (!(blank && after_word)) result += between;
      if (begin < text.size()) result += text.substr(begin, 2);
      at = begin + 2;
      after_word = false;
      continue;
    }
    if (!(blank && after_word)) result += between;
    const std::string_view body = text.substr(kind_end + 1, end - kind_end - 1);
    const bool base64 = text[charset_end + 1] == 'B' || text[charset_end + 1] == 'b';
    const std::string bytes = base64 ? decode_base64(body) : decode_quoted(body, true);
    result += decode_declared(bytes, text.substr(begin + 2, charset_end - begin - 2), where).text;
    after_word = true;
    at = end + 2;
  }
  return result;
}

struct Header {
  std::string name;  // lowercase
  std::string value;
};

struct Part {
  std::vector<Header> headers;
  std::string_view body;

  std::string header(std::string_view name) const {
    for (const Header& header : headers)
      if (header.name == name) return header.value;
    return "";
  }
  // "text/plain" of "Text/Plain; charset=utf-8"
  std::string type() const {
    const std::string value = lowercase(header("content-type"));
    const std::string type = value.substr(0, value.find_first_of("; \t"));
    return type.empty() ? "text/plain" : type;
  }
};

// The value of a parameter: charset="utf-8"
std::string parameter_of(const std::string& value, std::string_view name) {
  const std::string lower = lowercase(value);
  if (lower.size() != value.size()) return "";
  for (size_t at = lower.find(name); at != lower.npos; at = lower.find(name, at + 1)) {
    size_t begin = at + name.size();
    if (at > 0 && std::string_view("; \t").find(lower[at - 1]) == std::string_view::npos) continue;
    if (begin < value.size() && value[begin] == '*') ++begin;
    if (begin >= value.size() || value[begin] != '=') continue;
    ++begin;
    const bool quoted = begin < value.size() && value[begin] == '"';
    if (quoted) ++begin;
    return value.substr(begin, value.find_first_of(quoted ? "\"" : "; \t", begin) - begin);
  }
  return "";
}

Part split_part(std::string_view text) {
  Part part;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin = std::min(end + 1, text.size());
    part.body = text.substr(begin);
    if (line.empty() || begin > kMostHeaderBytes) break;
    const size_t colon = line.find(':');
    if ((line[0] == ' ' || line[0] == '\t') && !part.headers.empty()) {
      part.headers.back().value += ' ';
      part.headers.back().value +=
          line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
    } else if (colon != line.npos) {
      std::string_view value = line.substr(colon + 1);
      value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
      part.headers.push_back({lowercase(line.substr(0, colon)), std::string(value)});
    }
  }
  return part;
}

std::vector<std::string_view> split_multipart(std::string_view body, const std::string& boundary) {
  std::vector<std::string_view> parts;
  const std::string mark = "--" + boundary;
  size_t begin = body.npos;
  for (size_t at = body.find(mark); at != body.npos; at = body.find(mark, at + mark.size())) {
    if (at > 0 && body[at - 1] != '\n') continue;
    if (begin != body.npos) parts.push_back(body.substr(begin, at - begin));
    const size_t line = body.find('\n', at);
    begin = line == body.npos ? body.size() : line + 1;
    if (body.substr(at + mark.size(), 2) == "--") return parts;
    if (parts.size() > static_cast<size_t>(kMostParts)) return parts;
  }
  // A mail cut off lacks its last boundary.
  if (begin < body.size()) parts.push_back(body.substr(begin));
  return parts;
}

class MailReader {
 public:
  explicit MailReader(DocumentBuilder& out) : out_(out) {}

  void add(std::string_view text, int depth, bool whole) {
    if (depth > kMostMailDepth)
      throw Error(ErrorCode::kBadFile, out_.where(), "parts are nested more than 16 deep");
    if (++parts_ > kMostParts)
      throw Error(ErrorCode::kResource, out_.where(), "more than 1000 parts");
    const Part part = split_part(text);
    if (whole) add_headers(part);
    add_body(part, depth);
  }

 private:
  void add_headers(const Part& part) {
    const std::string subject = decode_words(part.header("subject"), out_.where());
    out_.set_title(subject);
    if (!subject.empty()) out_.add_block(BlockKind::kHeading, subject, 1);
    for (const auto& [name, label] : {std::pair("from", "From"), std::pair("to", "To"),
                                      std::pair("cc", "Cc"), std::pair("date", "Date")}) {
      const std::string value = decode_words(part.header(name), out_.where());
      if (!value.empty()) out_.add_block(BlockKind::kParagraph, label + (": " + value));
    }
  }

  void add_body(const Part& part, int depth) {
    const std::string type = part.type();
    if (type.starts_with("multipart/")) return add_multipart(part, type, depth);
    const std::string disposition = part.header("content-disposition");
    if (type == "message/rfc822") return add(part.body, depth + 1, true);
    const bool attached = lowercase(disposition).starts_with("attachment");
    if (attached || (type != "text/plain" && type != "text/html")) {
      std::string name = parameter_of(disposition, "filename");
      if (name.empty()) name = parameter_of(part.header("content-type"), "name");
      return out_.warn("attachment left out: " +
                       (name.empty() ? type : decode_words(name, out_.where())));
    }
    const std::string text = decoded_text(part);
    if (type == "text/html") {
      add_html(text, false, out_);
    } else {
      add_paragraphs(text, false, out_);
    }
  }

  std::string decoded_text(const Part& part) const {
    const std::string transfer = lowercase(part.header("content-transfer-encoding"));
    std::string bytes;
    if (transfer.starts_with("base64")) {
      bytes = decode_base64(part.body);
    } else if (transfer.starts_with("quoted-printable")) {
      bytes = decode_quoted(part.body, false);
    } else {
      bytes = part.body;
    }
    return decode_declared(bytes, parameter_of(part.header("content-type"), "charset"),
                           out_.where())
        .text;
  }

  void add_multipart(const Part& part, const std::string& type, int depth) {
    const std::string boundary = parameter_of(part.header("content-type"), "boundary");
    if (boundary.empty())
      throw Error(ErrorCode::kBadFile, out_.where(), "parts without a boundary");
    const std::vector<std::string_view> parts = split_multipart(part.body, boundary);
    if (type != "multipart/alternative") {
      for (const std::string_view inner : parts) add(inner, depth + 1, false);
      return;
    }
    // One of several versions: plain text first, then what holds text, then HTML.
    const auto rank = [](std::string_view inner) {
      const Part split = split_part(inner);
      const std::string kind = split.type();
      const bool blank = split.body.find_first_not_of(" \t\r\n") == std::string_view::npos;
      return (blank ? 10 : 0) + (kind == "text/plain"             ? 0
                                 : kind == "text/html"            ? 1
                                 : kind.starts_with("multipart/") ? 2
                                                                  : 3);
    };
    const auto best = std::min_element(
        parts.begin(), parts.end(), [&](auto one, auto other) { return rank(one) < rank(other); });
    if (best != parts.end()) add(*best, depth + 1, false);
  }

  DocumentBuilder& out_;
  int parts_ = 0;
};

}  // namespace

bool is_mail(std::string_view bytes) {
  const Part part = split_part(bytes.substr(0, 16384));
  int known = 0;
  for (const Header& header : part.headers) {
    for (const char* name :
         {"from", "to", "subject", "date", "mime-version", "message-id", "received"})
      known += header.name == name ? 1 : 0;
    if (header.name.find_first_of(" \t<>{}") != std::string::npos) return false;
  }
  return known >= 3;
}

void read_mail(const ReaderInput& input, DocumentBuilder& out) {
  MailReader(out).add(input.bytes, 0, true);
}

}  // namespace onmal

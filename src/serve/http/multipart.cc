#include "serve/http/multipart.h"

#include "serve/http/http_error.h"
#include "serve/http/url.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kMostName = 200;  // bytes

[[noreturn]] void refuse(const std::string& what) {
  throw HttpError(400, "The form is malformed: " + what + ".", "bad_form");
}

// The value of `name` in "form-data; name=\"a\"; filename=b".
std::string parameter(std::string_view header, std::string_view name) {
  for (size_t at = header.find(';'); at != std::string_view::npos;) {
    ++at;
    while (at < header.size() && (header[at] == ' ' || header[at] == '\t')) ++at;
    const size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) return "";
    const bool wanted = equal_ignoring_case(header.substr(at, equals - at), name);
    std::string value;
    size_t i = equals + 1;
    if (i < header.size() && header[i] == '"') {
      for (++i; i < header.size() && header[i] != '"'; ++i) {
        if (header[i] == '\\' && i + 1 < header.size()) ++i;
        value += header[i];
      }
    } else {
      for (; i < header.size() && header[i] != ';' && header[i] != ' '; ++i) value += header[i];
    }
    if (wanted) return value;
    at = header.find(';', i);
  }
  return "";
}

FormPart read_part(std::string_view part) {
  const size_t end = part.find("\r\n\r\n");
  if (end == std::string_view::npos || end > 8192) refuse("a part has no head");
  std::string_view head = part.substr(0, end + 2);
  FormPart out;
  out.bytes = part.substr(end + 4);
  constexpr std::string_view kDisposition = "content-disposition:";
  while (!head.empty()) {
    const size_t line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    head.remove_prefix(line_end + 2);
    if (line.size() < kDisposition.size() ||
        !equal_ignoring_case(line.substr(0, kDisposition.size()), kDisposition))
      continue;
    out.name = parameter(line, "name");
    out.file_name = parameter(line, "filename");
  }
  if (out.name.empty()) refuse("a part has no name");
  return out;
}

}  // namespace

std::vector<FormPart> parse_multipart(std::string_view content_type, std::string_view body,
                                      size_t most_parts) {
  constexpr std::string_view kType = "multipart/form-data";
  if (content_type.size() < kType.size() ||
      !equal_ignoring_case(content_type.substr(0, kType.size()), kType))
    throw HttpError(415, "Send files as multipart/form-data.", "unsupported_media_type");
  const std::string boundary = parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > 70) refuse("it has no boundary");
  const std::string mark = "\r\n--" + boundary;
  std::vector<FormPart> parts;
  if (!body.starts_with(std::string_view(mark).substr(2)))
    refuse("it does not begin at its boundary");
  for (size_t at = mark.size() - 2;;) {
    if (body.substr(at).starts_with("--")) return parts;
    if (!body.substr(at).starts_with("\r\n")) refuse("a boundary does not end its line");
    const size_t end = body.find(mark, at);
    if (end == std::string_view::npos) refuse("its last boundary is missing");
    if (parts.size() >= most_parts) refuse("it has too many parts");
    if (end < at + 2) refuse("a part is empty");
    parts.push_back(read_part(body.substr(at + 2, end - at - 2)));
    at = end + mark.size();
  }
}

std::string safe_file_name(std::string_view name) {
  const size_t slash = name.find_last_of("/\\");
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string safe;
  for (size_t i = 0; i < name.size();) {
    const Utf8Char c = read_utf8(name, i);
    const bool control = c.code < 0x20 || (c.code >= 0x7F && c.code < 0xA0);
    const bool hides = (c.code >= 0x200B && c.code <= 0x200F) ||
                       (c.code >= 0x202A && c.code <= 0x202E) ||
                       (c.code >= 0x2066 && c.code <= 0x2069) || c.code == 0xFEFF;
    const bool leading_dot = c.code == '.' && safe.empty();
    if (c.valid && !control && !hides && !leading_dot) safe += name.substr(i, c.length);
    i += c.length;
  }
  if (safe.size() <= kMostName) return safe;
  // The ending tells the format: keep it.
  const size_t dot = safe.rfind('.');
  const std::string ending =
      dot != std::string::npos && safe.size() - dot <= 10 ? safe.substr(dot) : "";
  safe.resize(kMostName - ending.size());
  safe.resize(safe.size() - incomplete_tail(safe));
  return safe + ending;
}

}  // namespace onmal

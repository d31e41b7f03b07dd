#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// A part of a form as browsers send files (RFC 7578).
struct FormPart {
  std::string name;
  std::string file_name;   // as sent; "" where the part is no file
  std::string_view bytes;  // of the body
};

// The parts of a body; at most `most_parts`. Throws HttpError(400) for what is no such form, 415
// for another content type.
std::vector<FormPart> parse_multipart(std::string_view content_type, std::string_view body,
                                      size_t most_parts = 1000);

// The last part of a name that a client chose, made harmless: valid UTF-8 without control
// characters or leading dots, at most 200 bytes. "" where nothing is left.
std::string safe_file_name(std::string_view name);

}  // namespace onmal

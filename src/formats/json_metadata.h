#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "formats/metadata.h"

namespace onmal {

// Parses a JSON object into flat metadata (see Metadata for the keys). Throws Error(kBadFile)
// naming `where` and the byte offset when the text is not JSON, nests deeper than 64 levels, holds
// a key twice or is not an object.
Metadata parse_json_metadata(std::string_view text, const std::string& where);

// Reads and parses a file of at most `limit` bytes.
Metadata read_json_metadata(const std::filesystem::path& path, uint64_t limit = uint64_t{16} << 20);

// The inverse: keys "a.b" become nested objects, "a[0].b" arrays of objects; indented by 2. Throws
// Error(kInvalidArgument) when keys contradict each other ("a" is a value and an object).
std::string write_json_metadata(const Metadata& metadata);

// `text` as a JSON string with its quotes. Throws Error(kInvalidArgument), naming `where`, when it
// is not UTF-8.
std::string quote_json(std::string_view text, const std::string& where);

}  // namespace onmal

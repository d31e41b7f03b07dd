#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace onmal {

// What to fetch: "hf:ORG/REPO[@REVISION][/FILE]".
struct HubReference {
  std::string repository;         // "ORG/REPO"
  std::string revision = "main";  // a branch, a tag or a commit
  std::string file;               // "": the whole repository
};

// Throws Error(kInvalidArgument) for anything else.
HubReference parse_hub_reference(std::string_view text);

// A file's name as a server says it, as a path below a folder. Throws Error(kBadFile) for names
// that would lead out of it ("../x", "/x", "a//b"), hold control characters, backslashes or colons,
// or end like our own unfinished files (".part").
std::filesystem::path safe_relative_path(const std::string& name);

// True when `name` fits `pattern`: '*' any text, '?' any character. A pattern without '/' is
// compared with the last part of the name.
bool fits_pattern(std::string_view name, std::string_view pattern);

}  // namespace onmal

#include "hub/reference.h"

#include <algorithm>

#include "base/error.h"

namespace onmal {
namespace {

constexpr size_t kLongestName = 255;

bool is_plain_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7F && c != '\\' && c != ':' && c != '/';
  });
}

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorCode::kInvalidArgument, std::string(text), "is no reference to a model",
              "write hf:ORG/REPO, hf:ORG/REPO@REVISION or hf:ORG/REPO/FILE");
}

}  // namespace

HubReference parse_hub_reference(std::string_view text) {
  constexpr std::string_view kScheme = "hf:";
  if (!text.starts_with(kScheme)) refuse(text);
  const std::string_view rest = text.substr(kScheme.size());
  const size_t first = rest.find('/');
  if (first == std::string_view::npos) refuse(text);
  const size_t second = rest.find('/', first + 1);
  const std::string_view organisation = rest.substr(0, first);
  std::string_view name =
      rest.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
  HubReference result;
  if (const size_t at = name.find('@'); at != std::string_view::npos) {
    result.revision = name.substr(at + 1);
    name = name.substr(0, at);
    if (!is_plain_name(result.revision)) refuse(text);
  }
  if (!is_plain_name(organisation) || !is_plain_name(name)) refuse(text);
  result.repository = std::string(organisation) + "/" + std::string(name);
  if (second != std::string_view::npos) {
    result.file = rest.substr(second + 1);
    if (result.file.empty()) refuse(text);
    safe_relative_path(result.file);
  }
  return result;
}

std::filesystem::path safe_relative_path(const std::string& name) {
  const auto bad = [&]() {
    std::string shown = name.substr(0, 100);
    for (char& c : shown) c = static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    throw Error(ErrorCode::kBadFile, "file name '" + shown + "'",
                "does not stay within the model's folder", "it was not fetched");
  };
  std::filesystem::path result;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (!is_plain_name(part) || part.ends_with(".part")) bad();
    result /= part;
    begin = end + 1;
  }
  return result;
}

bool fits_pattern(std::string_view name, std::string_view pattern) {
  if (pattern.find('/') == std::string_view::npos) {
    const size_t slash = name.rfind('/');
    if (slash != std::string_view::npos) name = name.substr(slash + 1);
  }
  // Greedy, with one place to go back to: the latest '*'.
  size_t n = 0;
  size_t p = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
      ++n;
      ++p;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace onmal

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onmal {

bool equal_ignoring_case(std::string_view a, std::string_view b);

// "%ED%95%9C" to bytes; with `plus_is_space` as forms write it. nullopt for a "%" without two
// hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

struct UrlTarget {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
};

// The target of a request line: "/path?a=b", "http://host/path" or "*". nullopt for what is none,
// and for paths that are not UTF-8 or hold control characters.
std::optional<UrlTarget> parse_target(std::string_view target);

// "http://localhost:8080" belongs to the host "localhost:8080".
bool is_origin_of(std::string_view origin, std::string_view host);

}  // namespace onmal

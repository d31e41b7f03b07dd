#pragma once

#include <algorithm>
#include <span>
#include <string_view>

// Questions to a text about phrases of a list.
namespace onmal {

using Phrases = std::span<const std::string_view>;

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
inline bool contains_any(std::string_view text, Phrases parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return contains(text, part); });
}
inline bool starts_with_any(std::string_view text, Phrases parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.starts_with(part); });
}
inline bool ends_with_any(std::string_view text, Phrases parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.ends_with(part); });
}
inline bool is_any(std::string_view text, Phrases parts) {
  return std::find(parts.begin(), parts.end(), text) != parts.end();
}

}  // namespace onmal

#pragma once

#include <string>
#include <string_view>

namespace onmal {

inline bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

// ASCII letters in lower case, other bytes as they are: for names that are ASCII by their protocol.
inline std::string lower_ascii(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return result;
}

// Without spaces, tabs and line ends around it.
inline std::string_view trim_ascii(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace onmal

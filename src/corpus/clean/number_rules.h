#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "corpus/clean/personal_data.h"

namespace onmal {

// Groups of digits with separators (hyphen, dot, blank, brackets) between them, at most eight.
class NumberRun {
 public:
  // The run that begins with the digit at `begin`.
  NumberRun(std::string_view text, size_t begin);

  size_t count() const { return count_; }
  size_t begin() const { return groups_[0].begin; }
  size_t begin(size_t group) const { return groups_[group].begin; }
  size_t end(size_t group) const { return groups_[group].end; }
  size_t length(size_t group) const { return groups_[group].end - groups_[group].begin; }
  std::string_view digits(size_t group) const;
  // The separator behind the group: '-', '.', ' ', or ')' for anything with a bracket; 0 at the
  // end.
  char separator(size_t group) const;
  // True where the first groups have these lengths.
  template <class... L>
  bool has_lengths(L... lengths) const {
    const std::array<size_t, sizeof...(L)> wanted = {static_cast<size_t>(lengths)...};
    if (count_ < wanted.size()) return false;
    for (size_t i = 0; i < wanted.size(); ++i)
      if (length(i) != wanted[i]) return false;
    return true;
  }
  // All separators before group `groups - 1` are this one.
  bool separated_by(char separator, size_t groups) const;
  // No digit, letter or joint goes on behind the group.
  bool ends_behind(size_t group) const;

 private:
  struct Group {
    size_t begin, end;
  };
  std::string_view text_;
  std::array<Group, 8> groups_ = {};
  size_t count_ = 0;
};

// A match of view bytes [begin, end).
using PersonalMatch = PersonalSpan;

// The number that the run begins with, where it is somebody's; its span in `text`.
std::optional<PersonalMatch> match_number(std::string_view text, const NumberRun& run,
                                          const PersonalOptions& options);

bool resident_checksum_fits(std::string_view thirteen_digits);
bool foreigner_checksum_fits(std::string_view thirteen_digits);
bool luhn_fits(std::string_view digits);
bool business_checksum_fits(std::string_view ten_digits);

// True where one of the words (lower case) stands in the `reach` bytes before `at`.
template <size_t N>
bool has_word_before(std::string_view text, size_t at, const std::array<std::string_view, N>& words,
                     size_t reach = 60);

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool is_ascii_word(char c) { return is_digit(c) || is_ascii_letter(c) || c == '_'; }

template <size_t N>
bool has_word_before(std::string_view text, size_t at, const std::array<std::string_view, N>& words,
                     size_t reach) {
  const size_t from = at > reach ? at - reach : 0;
  std::array<char, 128> lower;
  size_t size = 0;
  for (size_t i = from; i < at && size < lower.size(); ++i) {
    const char c = text[i];
    lower[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  const std::string_view before(lower.data(), size);
  for (const std::string_view word : words)
    if (before.find(word) != before.npos) return true;
  return false;
}

}  // namespace onmal

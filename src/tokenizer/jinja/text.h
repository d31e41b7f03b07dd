#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Text of a template while it is rendered: code points, as Python counts them, each carrying in its
// high bits a mark that says where it came from. 0 is the template's own text; other marks belong
// to whoever passed the value in. Every operation moves whole characters, so marks survive
// trimming, slicing, replacing and changing case.
namespace onmal::jinja {

using Text = std::u32string;
using TextView = std::u32string_view;

inline constexpr uint32_t kCodeBits = 21;
inline constexpr char32_t kCodeMask = (char32_t{1} << kCodeBits) - 1;
inline constexpr uint32_t kMostMark = (uint32_t{1} << (32 - kCodeBits)) - 1;

inline char32_t code_of(char32_t character) { return character & kCodeMask; }
inline uint32_t mark_of(char32_t character) {
  return static_cast<uint32_t>(character) >> kCodeBits;
}
// `code` with the mark of `like`.
inline char32_t marked_like(char32_t code, char32_t like) { return code | (like & ~kCodeMask); }

// Bytes that are not UTF-8 become 0xDC00 + byte and come back as that byte.
Text decode_text(std::string_view utf8, uint32_t mark = 0);
void append_encoded(char32_t character, std::string& utf8);
std::string encode_text(TextView text);
Text ascii(std::string_view text);

// Comparisons by code point; marks do not count.
int compare_text(TextView a, TextView b);
bool equal_text(TextView a, TextView b);
bool equal_text(TextView a, std::string_view ascii_text);
// Position of `part` at or after `begin`; npos when there is none.
size_t find_text(TextView text, TextView part, size_t begin = 0);
size_t find_last_text(TextView text, TextView part);

// Classes as Python's str has them.
bool is_space(char32_t character);
bool is_letter(char32_t character);
bool is_decimal_digit(char32_t character);
bool is_digit(char32_t character);
bool is_number(char32_t character);
bool is_upper(char32_t character);
bool is_lower(char32_t character);
bool is_title(char32_t character);
bool is_printable(char32_t character);

// Full case mappings of Unicode (one character may become several).
Text upper_text(TextView text);
Text lower_text(TextView text);
Text swap_case(TextView text);
Text capitalize_text(TextView text);  // the first character in title case, the others lower
Text title_text(TextView text);       // str.title: each run of cased characters

// Without the characters of `characters` (white space when null) at the ends.
TextView strip_text(TextView text, const Text* characters, bool left, bool right);
// str.split and rsplit; a null separator means runs of white space; `most` < 0: no limit.
std::vector<Text> split_text(TextView text, const Text* separator, int64_t most);
std::vector<Text> split_text_from_end(TextView text, const Text* separator, int64_t most);
std::vector<Text> split_lines(TextView text, bool keep_ends);
// `count` < 0: all of them. `limit`: of the result's characters; above it the text is cut there.
Text replace_text(TextView text, TextView from, TextView to, int64_t count);

}  // namespace onmal::jinja

#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace onmal {

// Bytes [begin, end) of a text.
struct TextSpan {
  size_t begin;
  size_t end;

  bool operator==(const TextSpan&) const = default;
  std::string_view in(std::string_view text) const { return text.substr(begin, end - begin); }
};

// The sentences of a Korean or English text, in order, without the white space around them and
// without the markers of lists ("- ", "1. ", "가. ", "(2) ", "• ", "## "). What lies between them
// is white space and markers alone.
//
// A sentence ends at . ! ? … and their wide forms, with the quotes and brackets that close behind
// them, before white space; at a run of ㅋㅋ, ㅎㅎ, ㅠㅠ before white space; and, where a Korean
// ending stands before it (다. 요! 까?), without white space too. It does not end at decimals,
// dates, addresses, abbreviations and initials, before a lower-case word, or inside a quotation or
// brackets that close within the line. A line's end ends a sentence unless the line was only
// wrapped: no end mark, and the next one goes on in lower case.
std::vector<TextSpan> split_sentences(std::string_view text);

}  // namespace onmal

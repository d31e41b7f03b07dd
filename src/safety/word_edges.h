#pragma once

#include <cstddef>
#include <string_view>

namespace onmal {

// Where words begin and end, for roots that are too short to be told from chance within a word.
// Positions are bytes of the text at borders of characters.

// No letter of a word stands before `at`.
bool begins_word(std::string_view text, size_t at);
// An interjection or a prefix by itself stands before `at`: 아시발, 개시발, 진짜시발.
bool behind_interjection(std::string_view text, size_t at);
// No syllable stands at `at`, or a particle (은, 이, 들아 …) and then none.
bool ends_word(std::string_view text, size_t at);
// Latin letters that follow are an English ending (s, ing, er …) or none.
bool ends_english_word(std::string_view text, size_t at);

}  // namespace onmal

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
// A digit and a plural: "5pics" is five of something, "5pic" a word drawn with a digit.
bool is_counted_plural(std::string_view text, size_t begin, size_t end);
// The nearest object (…을, …를) in the words before `at` is no person and no part of a body:
// 가방을 뒤져라, 프로세스를 죽여버린다.
bool behind_thing_object(std::string_view text, size_t at);
// What follows says that the word before `at` is spoken of: …라는 말은, …라는 지명.
bool is_spoken_of(std::string_view text, size_t at);
// The text is about initials or abbreviations: 초성 퀴즈, 약어.
bool names_letters(std::string_view text);

}  // namespace onmal

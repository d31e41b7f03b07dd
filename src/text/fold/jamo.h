#pragma once

#include <cstdint>
#include <string_view>

#include "text/hangul.h"

namespace onmal {

// Compatibility jamo (U+3131 to U+3163: ㄱ … ㅣ) as parts of syllables. Indices are Unicode's:
// 19 initials, 21 vowels, 27 finals and none (0). -1 where there is no such part.
inline constexpr std::u32string_view kInitialJamo = U"ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
inline constexpr std::u32string_view kVowelJamo = U"ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ";
inline constexpr std::u32string_view kFinalJamo =
    U"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";

int initial_of_jamo(char32_t jamo);
int vowel_of_jamo(char32_t jamo);
int final_of_jamo(char32_t jamo);

char32_t jamo_of_initial(int initial);
char32_t jamo_of_vowel(int vowel);
char32_t jamo_of_final(int final_part);  // final_part > 0

// Two vowels (ㅗ ㅏ) or two finals (ㄱ ㅅ) that make one; -1 where they do not.
int join_vowels(int first, int second);
int join_finals(int first, int second);
// The first and the second part of a final of two (ㄳ); false, and `first` alone, for others.
bool split_final(int final_part, int& first, int& second);

struct Syllable {
  int initial = 0;
  int vowel = 0;
  int final_part = 0;
};

constexpr char32_t kFirstHangulSyllable = 0xAC00;
inline bool is_compatibility_jamo(char32_t code) { return code >= 0x3131 && code <= 0x3163; }
inline Syllable split_syllable(char32_t code) {
  const auto index = static_cast<int>(code - kFirstHangulSyllable);
  return {index / 588, index / 28 % 21, index % 28};
}
inline char32_t make_syllable(const Syllable& s) {
  return kFirstHangulSyllable +
         static_cast<char32_t>((s.initial * 21 + s.vowel) * 28 + s.final_part);
}

// The compatibility jamo of a half-width (U+FFA1…) or conjoining (U+1100…, modern) one; other codes
// as they are.
char32_t to_compatibility_jamo(char32_t code);

}  // namespace onmal

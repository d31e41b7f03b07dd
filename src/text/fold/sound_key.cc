#include <array>

#include "text/fold/jamo.h"
#include "text/fold/steps.h"

namespace onmal {
namespace {

// ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ without tension and breath.
constexpr std::u32string_view kPlainInitials = U"ㄱㄱㄴㄷㄷㄹㅁㅂㅂㅅㅅㅇㅈㅈㅈㄱㄷㅂㅎ";
// ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ: those that sound alike are one.
constexpr std::u32string_view kVowelSounds = U"ㅏㅔㅑㅖㅓㅔㅕㅖㅗㅘㅞㅞㅛㅜㅝㅞㅟㅠㅡㅣㅣ";
// Behind ㅅ and ㅈ a y is not heard.
constexpr std::u32string_view kYVowels = U"ㅑㅕㅛㅠㅖ";
constexpr std::u32string_view kWithoutY = U"ㅏㅓㅗㅜㅔ";
constexpr char32_t kSilent = U'ㅇ';

char32_t plain_initial(char32_t jamo) {
  const int initial = initial_of_jamo(jamo);
  return initial < 0 ? jamo : kPlainInitials[static_cast<size_t>(initial)];
}

// The seven sounds that end syllables.
char32_t final_sound(char32_t jamo) {
  switch (jamo) {
    case U'ㄲ':
    case U'ㅋ':
      return U'ㄱ';
    case U'ㅅ':
    case U'ㅆ':
    case U'ㅈ':
    case U'ㅊ':
    case U'ㅌ':
    case U'ㅎ':
      return U'ㄷ';
    case U'ㅍ':
      return U'ㅂ';
    default:
      return jamo;
  }
}

char32_t vowel_sound(char32_t vowel, char32_t initial) {
  const char32_t sound = kVowelSounds[static_cast<size_t>(vowel_of_jamo(vowel))];
  const size_t y = kYVowels.find(sound);
  const bool unheard = initial == U'ㅅ' || initial == U'ㅈ';
  return unheard && y != std::u32string_view::npos ? kWithoutY[y] : sound;
}

}  // namespace

MappedText sound_key(const MappedText& text) {
  MappedText out;
  char32_t moved = 0;  // a final that begins this syllable
  for (size_t i = 0; i < text.size(); ++i) {
    const SourceRange source = text.source(i);
    if (!is_hangul_syllable(text[i])) {
      const bool vowel = is_compatibility_jamo(text[i]) && vowel_of_jamo(text[i]) >= 0;
      out.add(vowel ? vowel_sound(text[i], 0) : plain_initial(text[i]), source);
      continue;
    }
    const Syllable syllable = split_syllable(text[i]);
    char32_t initial = jamo_of_initial(syllable.initial);
    if (initial == kSilent && moved != 0) initial = moved;
    moved = 0;
    initial = plain_initial(initial);
    if (initial != kSilent) out.add(initial, source);
    out.add(vowel_sound(jamo_of_vowel(syllable.vowel), initial), source);
    if (syllable.final_part == 0) continue;
    int first = 0;
    int second = 0;
    const bool two = split_final(syllable.final_part, first, second);
    const bool silent_follows = i + 1 < text.size() && is_hangul_syllable(text[i + 1]) &&
                                jamo_of_initial(split_syllable(text[i + 1]).initial) == kSilent;
    const char32_t last = jamo_of_final(two ? second : first);
    if (silent_follows && last != kSilent) {
      // ㅎ is not heard between vowels.
      if (two) out.add(final_sound(jamo_of_final(first)), source);
      if (last != U'ㅎ') moved = last;
      continue;
    }
    out.add(final_sound(jamo_of_final(first)), source);
  }
  return out;
}

}  // namespace onmal

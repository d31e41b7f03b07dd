#include "text/fold/jamo.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace onmal {
namespace {

int index_of_letter(std::u32string_view letters, char32_t letter) {
  const size_t found = letters.find(letter);
  return found == std::u32string_view::npos ? -1 : static_cast<int>(found);
}

struct Joined {
  char32_t first, second, both;
};
constexpr std::array<Joined, 7> kJoinedVowels = {{{U'ㅗ', U'ㅏ', U'ㅘ'},
                                                  {U'ㅗ', U'ㅐ', U'ㅙ'},
                                                  {U'ㅗ', U'ㅣ', U'ㅚ'},
                                                  {U'ㅜ', U'ㅓ', U'ㅝ'},
                                                  {U'ㅜ', U'ㅔ', U'ㅞ'},
                                                  {U'ㅜ', U'ㅣ', U'ㅟ'},
                                                  {U'ㅡ', U'ㅣ', U'ㅢ'}}};
constexpr std::array<Joined, 11> kJoinedFinals = {{{U'ㄱ', U'ㅅ', U'ㄳ'},
                                                   {U'ㄴ', U'ㅈ', U'ㄵ'},
                                                   {U'ㄴ', U'ㅎ', U'ㄶ'},
                                                   {U'ㄹ', U'ㄱ', U'ㄺ'},
                                                   {U'ㄹ', U'ㅁ', U'ㄻ'},
                                                   {U'ㄹ', U'ㅂ', U'ㄼ'},
                                                   {U'ㄹ', U'ㅅ', U'ㄽ'},
                                                   {U'ㄹ', U'ㅌ', U'ㄾ'},
                                                   {U'ㄹ', U'ㅍ', U'ㄿ'},
                                                   {U'ㄹ', U'ㅎ', U'ㅀ'},
                                                   {U'ㅂ', U'ㅅ', U'ㅄ'}}};

template <typename Table>
char32_t join(const Table& table, char32_t first, char32_t second) {
  for (const Joined& joined : table) {
    if (joined.first == first && joined.second == second) return joined.both;
  }
  return 0;
}

// Half-width vowels stand in blocks of six.
struct HalfWidthBlock {
  char32_t first, last, to;
};
constexpr std::array<HalfWidthBlock, 5> kHalfWidth = {{{0xFFA1, 0xFFBE, 0x3131},
                                                       {0xFFC2, 0xFFC7, 0x314F},
                                                       {0xFFCA, 0xFFCF, 0x3155},
                                                       {0xFFD2, 0xFFD7, 0x315B},
                                                       {0xFFDA, 0xFFDC, 0x3161}}};

}  // namespace

int initial_of_jamo(char32_t jamo) { return index_of_letter(kInitialJamo, jamo); }
int vowel_of_jamo(char32_t jamo) { return index_of_letter(kVowelJamo, jamo); }
int final_of_jamo(char32_t jamo) {
  const int index = index_of_letter(kFinalJamo, jamo);
  return index < 0 ? -1 : index + 1;
}

char32_t jamo_of_initial(int initial) { return kInitialJamo[static_cast<size_t>(initial)]; }
char32_t jamo_of_vowel(int vowel) { return kVowelJamo[static_cast<size_t>(vowel)]; }
char32_t jamo_of_final(int final_part) { return kFinalJamo[static_cast<size_t>(final_part - 1)]; }

int join_vowels(int first, int second) {
  const char32_t both = join(kJoinedVowels, jamo_of_vowel(first), jamo_of_vowel(second));
  return both == 0 ? -1 : vowel_of_jamo(both);
}

int join_finals(int first, int second) {
  const char32_t both = join(kJoinedFinals, jamo_of_final(first), jamo_of_final(second));
  return both == 0 ? -1 : final_of_jamo(both);
}

bool split_final(int final_part, int& first, int& second) {
  first = final_part;
  second = 0;
  if (final_part == 0) return false;
  const char32_t letter = jamo_of_final(final_part);
  const auto* found = std::find_if(kJoinedFinals.begin(), kJoinedFinals.end(),
                                   [&](const Joined& joined) { return joined.both == letter; });
  if (found == kJoinedFinals.end()) return false;
  first = final_of_jamo(found->first);
  second = final_of_jamo(found->second);
  return true;
}

char32_t to_compatibility_jamo(char32_t code) {
  for (const HalfWidthBlock& block : kHalfWidth) {
    if (code >= block.first && code <= block.last) return block.to + (code - block.first);
  }
  if (code >= 0x1100 && code <= 0x1112) return jamo_of_initial(static_cast<int>(code - 0x1100));
  if (code >= 0x1161 && code <= 0x1175) return jamo_of_vowel(static_cast<int>(code - 0x1161));
  if (code >= 0x11A8 && code <= 0x11C2) return jamo_of_final(static_cast<int>(code - 0x11A7));
  return code;
}

}  // namespace onmal

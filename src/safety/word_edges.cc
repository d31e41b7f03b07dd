#include "safety/word_edges.h"

#include <algorithm>
#include <array>
#include <string>

#include "text/hangul.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr std::array<std::string_view, 28> kInterjections = {
    "아",   "이",   "야",   "와",   "개",   "걍",   "니",   "뭔",    "저", "그",
    "하",   "헐",   "오",   "왜",   "에이", "에라", "씨",   "진짜",  "존", "이런",
    "아놔", "아오", "어휴", "존나", "졸라", "정말", "완전", "에라이"};
constexpr std::array<std::string_view, 47> kParticles = {
    "은",   "는",   "이",   "가",   "을",   "를",   "의",   "도",   "만",   "아",   "야",   "와",
    "과",   "랑",   "들",   "요",   "임",   "네",   "다",   "들아", "들이", "년",   "놈",   "이야",
    "이다", "이네", "들은", "들의", "이라", "새끼", "년아", "놈아", "하네", "하지", "하고", "하는",
    "한다", "해",   "같은", "같네", "같이", "같다", "이들", "까지", "이여", "들도", "인데"};
constexpr std::array<std::string_view, 14> kEndings = {
    "s", "es", "ed", "d", "er", "ers", "ing", "in", "y", "ty", "head", "face", "ish", "ting"};

bool is_latin(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

size_t character_before(std::string_view text, size_t at) {
  size_t begin = at - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return begin;
}

bool letter_before(std::string_view text, size_t at) {
  if (at == 0) return false;
  const Utf8Char c = read_utf8(text, character_before(text, at));
  // Laughter and sighs in jamo are no part of a word: ㅋㅋ시발.
  return c.valid && (is_hangul_syllable(c.code) || (c.code < 0x80 && is_latin(text[at - 1])));
}

}  // namespace

bool begins_word(std::string_view text, size_t at) { return !letter_before(text, at); }

bool behind_interjection(std::string_view text, size_t at) {
  return std::any_of(kInterjections.begin(), kInterjections.end(), [&](std::string_view word) {
    return at >= word.size() && text.substr(at - word.size(), word.size()) == word &&
           !letter_before(text, at - word.size());
  });
}

bool ends_word(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size()) {
    const Utf8Char c = read_utf8(text, end);
    if (!c.valid || !is_hangul_syllable(c.code)) break;
    end += c.length;
  }
  const std::string_view rest = text.substr(at, end - at);
  return rest.empty() || std::find(kParticles.begin(), kParticles.end(), rest) != kParticles.end();
}

bool ends_english_word(std::string_view text, size_t at) {
  std::string rest;
  for (size_t i = at; i < text.size() && is_latin(text[i]) && rest.size() < 8; ++i)
    rest += static_cast<char>(text[i] | 0x20);
  return rest.empty() || std::find(kEndings.begin(), kEndings.end(), rest) != kEndings.end();
}

}  // namespace onmal

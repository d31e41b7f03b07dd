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

// What people and their parts are called, as the end of a word.
constexpr auto kPersons = std::to_array<std::string_view>(
    {"들",   "놈",   "년",   "새끼",   "자식", "인간", "사람", "인",   "족",   "교도", "충",
     "자",   "너",   "너희", "우리",   "나",   "저",   "걔",   "쟤",   "얘",   "그",   "그녀",
     "이",   "가족", "부모", "애미",   "애비", "엄마", "아빠", "아내", "남편", "친구", "사장",
     "부장", "교수", "생",   "의원",   "통령", "판사", "검사", "경찰", "애",   "딸",   "아들",
     "누나", "언니", "오빠", "빨갱이", "씨",   "님",   "목",   "가지", "머리", "가리", "손",
     "발",   "눈",   "입",   "배",     "얼굴", "면상", "심장", "몸",   "팔",   "다리", "마누라"});
constexpr auto kSpokenOf = std::to_array<std::string_view>(
    {"말은", "말을", "말의", "말과", "말 대신", "단어", "낱말", "표현", "이름", "지명", "용어",
     "접미사", "어원", "욕설", "글자", "제목"});

bool begins_with_any(std::string_view text, auto& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.starts_with(word); });
}

bool ends_with_any(std::string_view text, auto& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.ends_with(word); });
}

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

bool is_counted_plural(std::string_view text, size_t begin, size_t end) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return begin < text.size() && is_digit(text[begin]) && end < text.size() &&
         (text[end] | 0x20) == 's' && (end + 1 == text.size() || !is_latin(text[end + 1]));
}

bool behind_thing_object(std::string_view text, size_t at) {
  constexpr int kWords = 3;
  size_t end = std::min(at, text.size());
  for (int i = 0; i < kWords; ++i) {
    while (end > 0 && text[end - 1] == ' ') --end;
    const size_t space = text.substr(0, end).find_last_of(" \n\t,.!?");
    const size_t begin = space == std::string_view::npos ? 0 : space + 1;
    const std::string_view word = text.substr(begin, end - begin);
    if (word.empty()) return false;
    for (const std::string_view particle : {std::string_view("을"), std::string_view("를")})
      if (word.size() > particle.size() && word.ends_with(particle))
        return !ends_with_any(word.substr(0, word.size() - particle.size()), kPersons);
    end = begin;
  }
  return false;
}

bool is_spoken_of(std::string_view text, size_t at) {
  constexpr auto kQuotes = std::to_array<std::string_view>({"'", "\"", "’", "”", "」", "』"});
  constexpr auto kLinks = std::to_array<std::string_view>({"이라는", "라는", "이란", "란", "의"});
  std::string_view rest = text.substr(std::min(at, text.size()));
  for (const std::string_view quote : kQuotes)
    if (rest.starts_with(quote)) rest.remove_prefix(quote.size());
  for (const std::string_view link : kLinks) {
    if (!rest.starts_with(link)) continue;
    rest.remove_prefix(link.size());
    return rest.starts_with(' ') && begins_with_any(rest.substr(1), kSpokenOf);
  }
  constexpr auto kAlone = std::to_array<std::string_view>({" 지명", " 어원"});
  return begins_with_any(rest, kAlone);
}

bool names_letters(std::string_view text) {
  constexpr auto kWords = std::to_array<std::string_view>({"초성", "자음", "약어", "약자", "자모"});
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

}  // namespace onmal

#include "text/sentences.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);
constexpr size_t kLongestQuotation = 240;  // characters; a longer one is cut like other text

struct Char {
  uint32_t code;
  size_t begin;  // byte
};

std::vector<Char> decode(std::string_view text) {
  std::vector<Char> chars;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    chars.push_back({c.valid ? c.code : 0xFFFD, i});
    i += c.length;
  }
  return chars;
}

bool contains(std::u32string_view set, uint32_t code) {
  return set.find(static_cast<char32_t>(code)) != std::u32string_view::npos;
}

bool is_end_mark(uint32_t code) { return contains(U".!?…。！？．｡", code); }
bool is_full_stop(uint32_t code) { return code == '.' || code == 0xFF0E; }
bool is_closing(uint32_t code) { return contains(U"\"'”’)]}」』》〉〕】）］｝", code); }
bool is_laughter(uint32_t code) { return contains(U"ㅋㅎㅠㅜ", code); }
bool is_digit(uint32_t code) { return code >= '0' && code <= '9'; }
bool is_latin_capital(uint32_t code) { return code >= 'A' && code <= 'Z'; }
bool is_lower(uint32_t code) { return code >= 'a' && code <= 'z'; }
bool is_latin_letter(uint32_t code) { return is_latin_capital(code) || is_lower(code); }
bool is_blank(uint32_t code) { return code != '\n' && is_white_space(code); }

// The last syllables of predicates that end a sentence.
bool is_korean_ending(uint32_t code) {
  return contains(U"다요죠까네지음임함됨군걸게데래라자오냐니야어아해줘봐셈듯죵용염욤슴", code);
}

uint32_t closer_of(uint32_t code) {
  constexpr std::u32string_view kOpen = U"“‘(「『《〈[{〔【（";
  constexpr std::u32string_view kClose = U"”’)」』》〉]}〕】）";
  const size_t at = kOpen.find(static_cast<char32_t>(code));
  if (at != std::u32string_view::npos) return kClose[at];
  return code == '"' || code == '\'' ? code : 0;
}

// Words that a full stop follows within a sentence, in lower case.
constexpr std::array<std::string_view, 52> kAbbreviations = {
    "mr",   "mrs", "ms",   "dr",   "prof", "st",   "jr",  "sr",  "vs",  "etc",  "e.g",
    "i.e",  "cf",  "fig",  "figs", "eq",   "no",   "vol", "pp",  "ed",  "eds",  "approx",
    "dept", "est", "inc",  "ltd",  "co",   "corp", "gen", "col", "sgt", "rev",  "hon",
    "gov",  "sen", "rep",  "jan",  "feb",  "mar",  "apr", "aug", "sep", "sept", "oct",
    "nov",  "dec", "ph.d", "u.s",  "u.k",  "a.m",  "p.m", "al"};
// Of those the ones that often end a sentence too: only a lower-case word or a number goes on.
constexpr std::array<std::string_view, 8> kOftenLast = {"etc",  "inc", "ltd", "co",
                                                        "corp", "a.m", "p.m", "al"};

template <size_t N>
bool listed(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// One line [begin, end) of characters, cut into sentences.
class LineCutter {
 public:
  LineCutter(std::string_view text, const std::vector<Char>& chars, size_t begin, size_t end)
      : text_(text), chars_(chars), begin_(begin), end_(end) {}

  // Calls take(first, last) with character numbers; white space around is the caller's.
  template <typename Take>
  void cut(const Take& take) const {
    size_t start = begin_;
    for (size_t i = begin_; i < end_;) {
      const size_t quoted = quotation_end(i);
      if (quoted != kNone) {
        // The end marks of a quotation count where it closes, if at all.
        const bool ended = is_end_mark(code(quoted - 1));
        i = quoted + 1;
        if (!ended || !ends_after_quotation(i)) continue;
        take(start, i);
        start = i;
        continue;
      }
      const size_t behind = sentence_end(i, start);
      if (behind == kNone) {  // a run of marks is looked at once
        do {
          ++i;
        } while (i < end_ && is_end_mark(code(i)) && is_end_mark(code(i - 1)));
        continue;
      }
      take(start, behind);
      start = i = behind;
    }
    if (start < end_) take(start, end_);
  }

 private:
  uint32_t code(size_t i) const { return i < end_ ? chars_[i].code : 0; }
  uint32_t before(size_t i) const { return i > begin_ ? chars_[i - 1].code : 0; }
  bool space_at(size_t i) const { return i >= end_ || is_white_space(code(i)); }
  size_t skip_spaces(size_t i) const {
    while (i < end_ && is_white_space(code(i))) ++i;
    return i;
  }

  // The place of what closes the quotation or bracket that opens at `i`; none where nothing opens,
  // or nothing closes near enough.
  size_t quotation_end(size_t i) const {
    const uint32_t closer = closer_of(code(i));
    if (closer == 0) return kNone;
    const bool straight = closer == code(i);
    // A straight quote opens behind a space and before a word: it's, 5" and the like do not.
    if (straight && (is_word_character(before(i)) || space_at(i + 1))) return kNone;
    int depth = 0;
    for (size_t j = i + 1; j < std::min(end_, i + kLongestQuotation); ++j) {
      if (code(j) == closer) {
        const bool apostrophe =
            closer == '\'' && is_word_character(code(j + 1)) && !is_hangul(code(j + 1));
        if (apostrophe) continue;
        if (depth == 0) return j;
        --depth;
      } else if (!straight && code(j) == code(i)) {
        ++depth;
      }
    }
    return kNone;
  }

  // Behind a quotation that ended with an end mark: does the sentence go on?
  bool ends_after_quotation(size_t i) const {
    if (!space_at(i)) return false;  // a particle: "…"라고
    const size_t next = skip_spaces(i);
    if (next >= end_) return true;
    if (is_lower(code(next))) return false;
    for (const std::u32string_view word :
         {U"라고", U"라며", U"라는", U"하고", U"하며", U"하는", U"고 ", U"며 ", U"이라"}) {
      size_t same = 0;
      while (same < word.size() && code(next + same) == word[same]) ++same;
      if (same == word.size()) return false;
    }
    return true;
  }

  // Behind the sentence that ends with the mark at `i`; none where it does not end.
  size_t sentence_end(size_t i, size_t start) const {
    if (is_laughter(code(i))) return laughter_end(i);
    if (!is_end_mark(code(i)) || i == start) return kNone;
    size_t behind = i;
    bool only_stops = true;
    while (is_end_mark(code(behind))) only_stops = is_full_stop(code(behind++)) && only_stops;
    const bool ellipsis = (only_stops && behind - i > 1) || code(i) == U'…';
    while (behind < end_ && (is_closing(code(behind)) || contains(U"~^;", code(behind)))) ++behind;
    if (!space_at(behind)) return ends_without_space(i, behind, ellipsis) ? behind : kNone;
    const size_t next = skip_spaces(behind);
    if (next >= end_) return end_;
    if (is_laughter(code(next)) && is_laughter(code(next + 1))) return kNone;  // belongs to it
    if (is_lower(code(next)) && !is_hangul_syllable(before(i))) return kNone;
    if (ellipsis)
      return is_korean_ending(before(i)) || is_latin_capital(code(next)) ? behind : kNone;
    if (only_stops && goes_on_after_stop(i, next)) return kNone;
    return behind;
  }

  size_t laughter_end(size_t i) const {
    if (i == begin_ || is_laughter(before(i)) || !is_laughter(code(i + 1))) return kNone;
    size_t behind = i;
    while (is_laughter(code(behind)) || is_end_mark(code(behind)) || contains(U"~^;", code(behind)))
      ++behind;
    return space_at(behind) ? std::min(behind, end_) : kNone;
  }

  // "했다.그리고", "정말요?네": a Korean ending, a mark, Hangul or an opening quote.
  bool ends_without_space(size_t i, size_t behind, bool ellipsis) const {
    if (ellipsis || !is_korean_ending(before(i))) return false;
    if (is_closing(code(behind - 1))) return false;  // a particle behind a quotation
    // "가.나.다" is a list: an ending has a word before it.
    return i >= begin_ + 2 && is_hangul_syllable(chars_[i - 2].code) &&
           (is_hangul_syllable(code(behind)) || closer_of(code(behind)) != 0);
  }

  // "2024. 3. 5." up to its last stop.
  bool ends_date(size_t i) const {
    while (i > begin_ && is_digit(before(i))) --i;
    while (i > begin_ && is_blank(before(i))) --i;
    return i > begin_ + 1 && is_full_stop(before(i)) && is_digit(chars_[i - 2].code);
  }

  bool goes_on_after_stop(size_t i, size_t next) const {
    if (is_digit(before(i)) && (is_digit(code(next)) || ends_date(i))) return true;
    size_t word = i;
    while (word > begin_ &&
           (is_latin_letter(chars_[word - 1].code) || chars_[word - 1].code == '.'))
      --word;
    if (word == i) return false;
    // A single capital is an initial: J. Smith.
    if (i - word == 1 && is_latin_capital(code(word)) && is_latin_capital(code(next))) return true;
    std::string spelled;
    for (size_t j = word; j < i; ++j) spelled += static_cast<char>(simple_lowercase(code(j)));
    if (!listed(kAbbreviations, spelled)) return false;
    return !listed(kOftenLast, spelled) || is_digit(code(next));
  }

  std::string_view text_;
  const std::vector<Char>& chars_;
  size_t begin_, end_;
};

// Behind the indentation and the list marker of the line [begin, end).
size_t skip_marker(const std::vector<Char>& chars, size_t begin, size_t end) {
  const auto code = [&](size_t i) { return i < end ? chars[i].code : 0; };
  size_t i = begin;
  while (i < end && is_white_space(code(i))) ++i;
  const size_t first = i;
  const auto skip_blanks = [&](size_t at) {
    while (at < end && is_blank(code(at))) ++at;
    return at;
  };
  while (contains(U"#>", code(i))) ++i;  // headings and quotations of Markdown
  if (i > first && is_blank(code(i))) return skip_blanks(i);
  i = first;
  if (contains(U"-*+•·‣▪■□○●※–", code(i)) && is_blank(code(i + 1))) return skip_blanks(i + 1);
  if (code(i) >= 0x2460 && code(i) <= 0x2473) return skip_blanks(i + 1);  // ① to ⑳
  const bool bracket = code(i) == '(';
  size_t mark = bracket ? i + 1 : i;
  const size_t number = mark;
  while (is_digit(code(mark)) && mark - number < 3) ++mark;
  if (mark == number &&
      (is_latin_letter(code(mark)) || contains(U"가나다라마바사아자차카타파하", code(mark))))
    ++mark;
  const bool closes = bracket ? code(mark) == ')' : contains(U".)", code(mark));
  if (mark == number || !closes || !is_blank(code(mark + 1))) return first;
  // "다. " begins no line but a list's; "2024. 3. 5." is a date.
  const size_t body = skip_blanks(mark + 1);
  if (code(mark) == '.' && is_digit(code(number)) && is_digit(code(body))) return first;
  return body;
}

}  // namespace

std::vector<TextSpan> split_sentences(std::string_view text) {
  const std::vector<Char> chars = decode(text);
  std::vector<TextSpan> sentences;
  const auto byte = [&](size_t i) { return i < chars.size() ? chars[i].begin : text.size(); };
  const auto take = [&](size_t first, size_t last) {
    while (first < last && is_white_space(chars[first].code)) ++first;
    while (last > first && is_white_space(chars[last - 1].code)) --last;
    if (first < last) sentences.push_back({byte(first), byte(last)});
  };
  for (size_t begin = 0; begin < chars.size();) {
    const size_t body = skip_marker(chars, begin, chars.size());
    size_t end = body;
    while (true) {
      while (end < chars.size() && chars[end].code != '\n') ++end;
      // Only wrapped: the next line goes on in lower case.
      size_t last = end;
      while (last > body && is_blank(chars[last - 1].code)) --last;
      const bool open = last > body && !is_end_mark(chars[last - 1].code) &&
                        !contains(U":;", chars[last - 1].code);
      if (!open || end + 1 >= chars.size() || !is_lower(chars[end + 1].code)) break;
      ++end;
    }
    LineCutter(text, chars, body, end).cut(take);
    begin = end + 1;
  }
  return sentences;
}

}  // namespace onmal

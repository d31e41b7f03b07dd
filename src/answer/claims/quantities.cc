#include "answer/claims/quantities.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>

#include "answer/claims/number_words.h"
#include "base/ascii.h"
#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr double kAboutShare = 0.05;
constexpr double kExact = 1e-9;
constexpr double kMostRatio = 50;             // "30분" and "하루" hardly speak of the same thing
constexpr std::string_view kClock = "clock";  // minutes from midnight
constexpr int kFirstYear = 1000;
constexpr int kLastYear = 2199;

constexpr std::array<std::string_view, 9> kAboutWords = {"약 ",     "대략 ",    "거의 ",
                                                         "about ",  "around ",  "nearly ",
                                                         "almost ", "roughly ", "approximately "};

constexpr std::array<std::string_view, 21> kNativeBegins = {
    "하나", "한",   "둘", "두",   "셋",   "세",   "넷",   "네", "다섯", "여섯", "일곱",
    "여덟", "아홉", "열", "스물", "스무", "서른", "마흔", "쉰", "예순", "일흔"};

class NumberReader {
 public:
  explicit NumberReader(std::string_view text) : text_(text) {}

  TextNumbers read() {
    for (size_t at = 0; at < text_.size();) at = step(at);
    return std::move(numbers_);
  }

 private:
  // Reads what stands at `at`; the place behind it.
  size_t step(size_t at) {
    const Utf8Char c = read_utf8(text_, at);
    const bool starts = is_ascii_digit(text_[at]) ? !joined_before(at) : word_begins(at);
    if (!starts) return skip(at, c);
    for (const auto read :
         {&NumberReader::written_date, &NumberReader::korean_date, &NumberReader::english_date,
          &NumberReader::clock, &NumberReader::day_word, &NumberReader::amount}) {
      if (const size_t end = (this->*read)(at); end > at) return end;
    }
    return skip(at, c);
  }

  // Behind digits that were no number their rest is none either.
  size_t skip(size_t at, const Utf8Char& c) const {
    if (!is_ascii_digit(text_[at])) return at + c.length;
    while (at < text_.size() && (is_ascii_digit(text_[at]) || text_[at] == '.')) ++at;
    return at;
  }

  // Part of a word, a path or a version: v2, 010-1234, a.1, #3.
  bool joined_before(size_t at) const {
    if (at == 0) return false;
    const char before = text_[at - 1];
    if (is_ascii_digit(before) || before == '_' || before == '/' || before == '#' || before == '@')
      return true;
    if (before == '-' || before == '.' || before == ',')
      return at >= 2 && (is_ascii_digit(text_[at - 2]) ||
                         std::isalpha(static_cast<unsigned char>(text_[at - 2])) != 0);
    return (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z');
  }

  bool word_begins(size_t at) const {
    if (at == 0) return true;
    size_t before = at - 1;
    while (before > 0 && (static_cast<unsigned char>(text_[before]) & 0xC0U) == 0x80U) --before;
    const Utf8Char c = read_utf8(text_, before);
    return !(c.valid && is_word_character(c.code));
  }

  bool ends_word(size_t at) const {
    return at >= text_.size() || !(std::isalnum(static_cast<unsigned char>(text_[at])) != 0);
  }

  std::optional<int> digits(size_t at, size_t most, size_t& end) const {
    int value = 0;
    end = at;
    while (end < text_.size() && is_ascii_digit(text_[end]) && end - at < most + 1)
      value = value * 10 + (text_[end++] - '0');
    if (end == at || end - at > most) return std::nullopt;
    return value;
  }

  size_t spaces(size_t at) const {
    while (at < text_.size() && text_[at] == ' ') ++at;
    return at;
  }

  size_t add_date(size_t begin, size_t end, int year, int month, int day) {
    numbers_.dates.push_back({year, month, day, {begin, end}});
    return end;
  }

  // 2024-03-01, 2024.3.1., 2024/3/1
  size_t written_date(size_t at) {
    size_t end = at;
    const auto year = digits(at, 4, end);
    if (!year || *year < kFirstYear || *year > kLastYear || end >= text_.size()) return at;
    const char mark = text_[end];
    if (mark != '-' && mark != '.' && mark != '/') return at;
    const auto month = digits(spaces(end + 1), 2, end);
    if (!month || *month < 1 || *month > 12 || end >= text_.size() || text_[end] != mark) return at;
    const auto day = digits(spaces(end + 1), 2, end);
    if (!day || *day < 1 || *day > 31) return at;
    if (mark == '.' && end < text_.size() && text_[end] == '.') ++end;
    return add_date(at, end, *year, *month, *day);
  }

  // "1443년", "3월 1일", "2024년 3월": a four-digit year, or at least a month. "14일" and "3년" are
  // amounts.
  size_t korean_date(size_t at) {
    int year = 0, month = 0, day = 0;
    size_t end = at;
    size_t next = at;
    auto number = digits(at, 4, next);
    if (number && *number >= kFirstYear && *number <= kLastYear &&
        text_.substr(next).starts_with("년") && !lasts(next + 3)) {
      year = *number;
      end = next + 3;
      number = digits(spaces(end), 2, next);
    }
    if (number && *number >= 1 && *number <= 12 && text_.substr(next).starts_with("월")) {
      month = *number;
      end = next + 3;
      number = digits(spaces(end), 2, next);
      if (number && *number >= 1 && *number <= 31 && text_.substr(next).starts_with("일")) {
        day = *number;
        end = next + 3;
      }
    }
    return year + month > 0 ? add_date(at, end, year, month, day) : at;
  }

  bool lasts(size_t at) const {
    const std::string_view rest = text_.substr(at);
    return rest.starts_with("간") || rest.starts_with(" 동안") || rest.starts_with(" 만에");
  }

  // "March 1, 2024", "March 2024", "March 1", "1 March 2024", "in 1889".
  size_t english_date(size_t at) {
    size_t length = 0;
    size_t end = at;
    int day = 0;
    size_t place = at;
    if (is_ascii_digit(text_[at])) {
      const auto number = digits(at, 4, end);
      if (!number) return at;
      if (end - at == 4) return bare_year(at, end, *number);
      if (*number < 1 || *number > 31) return at;
      day = *number;
      place = spaces(end);
    }
    const int month = place < text_.size() ? read_month_name(text_, place, length) : 0;
    if (month == 0) return at;
    end = place + length;
    size_t next = end;
    if (day == 0) {
      const auto number = digits(spaces(end), 2, next);
      if (number && *number >= 1 && *number <= 31 && ends_word(next)) {
        day = *number;
        end = next;
      }
    }
    size_t after = end;
    if (after < text_.size() && text_[after] == ',') ++after;
    const auto year = digits(spaces(after), 4, next);
    const bool dated = year && *year >= kFirstYear && *year <= kLastYear && ends_word(next);
    if (!dated && day == 0) return at;  // "May" alone may be a verb
    return add_date(at, dated ? next : end, dated ? *year : 0, month, day);
  }

  // A year needs a word before it that years have, or nothing that it would count.
  size_t bare_year(size_t at, size_t end, int year) {
    if (year < kFirstYear || year > kLastYear || !ends_word(end)) return at;
    if (text_.substr(end).starts_with("년")) return at;
    const std::string before =
        lower_ascii(text_.substr(at > 12 ? at - 12 : 0, std::min<size_t>(at, 12)));
    constexpr std::array<std::string_view, 9> kBefore = {
        "in ", "since ", "until ", "by ", "from ", "year ", "to ", "after ", "before "};
    const bool told = std::any_of(kBefore.begin(), kBefore.end(),
                                  [&](std::string_view word) { return before.ends_with(word); });
    if (!told) return at;
    const auto unit = read_unit(text_, end);
    if (unit && is_known_unit(*unit)) return at;
    return add_date(at, end, year, 0, 0);
  }

  // 오후 2시 30분, 14:30, 2:30 pm, 2 p.m.
  size_t clock(size_t at) {
    size_t place = at;
    int half = 0;  // 1: morning, 2: afternoon
    for (const auto& [word, which] : {std::pair<std::string_view, int>{"오전 ", 1},
                                      {"오후 ", 2},
                                      {"아침 ", 1},
                                      {"저녁 ", 2},
                                      {"밤 ", 2}}) {
      if (text_.substr(at).starts_with(word)) {
        half = which;
        place = at + word.size();
      }
    }
    size_t end = place;
    const auto hour = digits(place, 2, end);
    if (!hour || *hour > 24) return at;
    int minute = 0;
    size_t next = end;
    if (text_.substr(end).starts_with("시") && !text_.substr(end).starts_with("시간")) {
      end += 3;
      const auto number = digits(spaces(end), 2, next);
      if (number && text_.substr(next).starts_with("분")) {
        minute = *number;
        end = next + 3;
      }
    } else {
      bool told = false;
      if (end < text_.size() && text_[end] == ':') {
        const auto number = digits(end + 1, 2, next);
        if (!number || next - end != 3) return at;
        minute = *number;
        end = next;
        told = true;
      }
      const std::string behind = lower_ascii(text_.substr(spaces(end), 4));
      for (const auto& [word, which] :
           {std::pair<std::string_view, int>{"a.m.", 1}, {"p.m.", 2}, {"am", 1}, {"pm", 2}}) {
        if (!behind.starts_with(word)) continue;
        if (word.size() == 2 && !ends_word(spaces(end) + 2)) continue;
        half = which;
        end = spaces(end) + word.size();
        told = true;
        break;
      }
      if (!told) return at;
    }
    int value = *hour;
    if (half == 2 && value < 12) value += 12;
    if (half == 1 && value == 12) value = 0;
    numbers_.quantities.push_back(
        {60.0 * value + minute, std::string(kClock), false, false, {at, end}});
    return end;
  }

  size_t day_word(size_t at) {
    const auto read = read_day_word(text_, at);
    if (!read) return at;
    numbers_.quantities.push_back(
        {read->value * 86400, "second", about(at), false, {at, at + read->length}});
    return at + read->length;
  }

  size_t amount(size_t at) {
    size_t begin = at;
    const auto read = read_number(text_, at);
    if (!read) return at;
    size_t end = at + read->length;
    const auto unit = read_unit(text_, end);
    const bool known = unit && is_known_unit(*unit);
    // Korean words for numbers are syllables of other words, too: a counter must follow.
    const bool korean = read->in_words && static_cast<unsigned char>(text_[at]) >= 0x80U;
    // Two syllables at least, or a space: 백만원 and 세 대, not 세대.
    const bool apart =
        end < text_.size() && (text_[end] == ' ' || (read->length > 3 && !native(at)));
    if (korean && (!known || !apart || !counter_ends(end + unit->length))) return at;
    if (read->in_words && !unit) return at;  // "one of them"
    if (!read->in_words && !known && end < text_.size() && part_of_name(end)) return at;
    Quantity quantity{read->value, "", about(begin), false, {begin, end}};
    if (begin > 0 && text_[begin - 1] == '$') quantity.unit = "dollar";
    if (quantity.unit.empty() && unit) {
      quantity.value *= unit->factor;
      quantity.unit = unit->name;
      // The word that is counted stays a word.
      if (known) quantity.span.end = end = end + unit->length;
    }
    mark_range(quantity);
    numbers_.quantities.push_back(quantity);
    return end;
  }

  bool native(size_t at) const {
    return std::any_of(kNativeBegins.begin(), kNativeBegins.end(),
                       [&](std::string_view word) { return text_.substr(at).starts_with(word); });
  }

  // Behind a counter a particle may stand, but no further noun: 세 번, 두 대의; not 한 장군.
  bool counter_ends(size_t at) const {
    size_t syllables = 0;
    while (at < text_.size()) {
      const Utf8Char c = read_utf8(text_, at);
      if (!is_hangul(c.code)) break;
      at += c.length;
      ++syllables;
    }
    return syllables <= 3;
  }

  // "8080번대", "3.11.2", "5G": a letter or a dot with digits right behind.
  bool part_of_name(size_t end) const {
    const char c = text_[end];
    if (c == '.' && end + 1 < text_.size() && is_ascii_digit(text_[end + 1])) return true;
    return c == '-' || c == '_' || c == '/' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  }

  bool about(size_t at) const {
    std::string before(1, ' ');
    before += lower_ascii(text_.substr(0, at));
    return std::any_of(kAboutWords.begin(), kAboutWords.end(), [&](std::string_view word) {
      return before.ends_with(word) && before[before.size() - word.size() - 1] == ' ';
    });
  }

  void mark_range(Quantity& quantity) {
    const std::string_view behind = text_.substr(quantity.span.end);
    for (const std::string_view mark : {"~", "–", "-", " to ", "에서 "}) {
      if (behind.starts_with(mark) && behind.size() > mark.size() &&
          is_ascii_digit(behind[mark.size()]))
        quantity.in_range = true;
    }
    if (quantity.span.begin > 0 && !numbers_.quantities.empty()) {
      const Quantity& last = numbers_.quantities.back();
      if (last.in_range && quantity.span.begin - last.span.end <= 8) quantity.in_range = true;
    }
  }

  std::string_view text_;
  TextNumbers numbers_;
};

}  // namespace

TextNumbers read_numbers(std::string_view text) { return NumberReader(text).read(); }

NumberMatch compare(const Quantity& a, const Quantity& b) {
  const double difference = std::abs(a.value - b.value);
  const double largest = std::max(std::abs(a.value), std::abs(b.value));
  const double allowed = a.about || b.about ? kAboutShare : kExact;
  const bool equal = difference <= allowed * largest;
  if (a.unit == b.unit) {
    if (equal) return NumberMatch::kSame;
    const double smallest = std::min(std::abs(a.value), std::abs(b.value));
    if (a.in_range || b.in_range || smallest * kMostRatio < largest) return NumberMatch::kForeign;
    if (a.unit.empty()) return NumberMatch::kForeign;
    return NumberMatch::kDifferent;
  }
  const bool open = a.unit.empty() || b.unit.empty() || a.unit[0] == '~' || b.unit[0] == '~';
  return equal && open ? NumberMatch::kSame : NumberMatch::kForeign;
}

NumberMatch compare(const CalendarDate& claim, const CalendarDate& evidence) {
  bool common = false;
  bool all = true;
  for (const auto& [mine, theirs] :
       {std::pair(claim.year, evidence.year), std::pair(claim.month, evidence.month),
        std::pair(claim.day, evidence.day)}) {
    if (mine == 0) continue;
    if (theirs == 0) {
      all = false;
      continue;
    }
    if (mine != theirs) return NumberMatch::kDifferent;
    common = true;
  }
  return common && all ? NumberMatch::kSame : NumberMatch::kForeign;
}

}  // namespace onmal

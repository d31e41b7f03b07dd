#include "answer/claims/number_words.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/ascii.h"
#include "text/hangul.h"
#include "text/utf8.h"

namespace onmal {
namespace {

using Named = std::pair<std::string_view, double>;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr std::array<Named, 4> kBigUnits = {{{"조", 1e12}, {"억", 1e8}, {"만", 1e4}, {"천", 1e3}}};
constexpr std::array<Named, 10> kSinoDigits = {{{"일", 1},
                                                {"이", 2},
                                                {"삼", 3},
                                                {"사", 4},
                                                {"오", 5},
                                                {"육", 6},
                                                {"칠", 7},
                                                {"팔", 8},
                                                {"구", 9},
                                                {"영", 0}}};
constexpr std::array<Named, 3> kSmallUnits = {{{"십", 10}, {"백", 100}, {"천", 1000}}};
constexpr std::array<Named, 3> kLargeUnits = {{{"만", 1e4}, {"억", 1e8}, {"조", 1e12}}};
constexpr std::array<Named, 9> kNativeTens = {{{"열", 10},
                                               {"스물", 20},
                                               {"스무", 20},
                                               {"서른", 30},
                                               {"마흔", 40},
                                               {"쉰", 50},
                                               {"예순", 60},
                                               {"일흔", 70},
                                               {"여든", 80}}};
constexpr std::array<Named, 13> kNativeOnes = {{{"하나", 1},
                                                {"한", 1},
                                                {"둘", 2},
                                                {"두", 2},
                                                {"셋", 3},
                                                {"세", 3},
                                                {"넷", 4},
                                                {"네", 4},
                                                {"다섯", 5},
                                                {"여섯", 6},
                                                {"일곱", 7},
                                                {"여덟", 8},
                                                {"아홉", 9}}};
constexpr std::array<Named, 29> kEnglishNumbers = {
    {{"one", 1},      {"two", 2},        {"three", 3},     {"four", 4},      {"five", 5},
     {"six", 6},      {"seven", 7},      {"eight", 8},     {"nine", 9},      {"ten", 10},
     {"eleven", 11},  {"twelve", 12},    {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15},
     {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19}, {"twenty", 20},
     {"thirty", 30},  {"forty", 40},     {"fifty", 50},    {"sixty", 60},    {"seventy", 70},
     {"eighty", 80},  {"ninety", 90},    {"zero", 0},      {"single", 1}}};
constexpr std::array<Named, 5> kEnglishScales = {
    {{"hundred", 100}, {"thousand", 1e3}, {"million", 1e6}, {"billion", 1e9}, {"trillion", 1e12}}};
constexpr std::array<Named, 11> kDayWords = {{{"하루", 1},
                                              {"이틀", 2},
                                              {"사흘", 3},
                                              {"나흘", 4},
                                              {"닷새", 5},
                                              {"엿새", 6},
                                              {"이레", 7},
                                              {"여드레", 8},
                                              {"아흐레", 9},
                                              {"열흘", 10},
                                              {"보름", 15}}};
constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

struct UnitName {
  std::string_view text, name;
  double factor;
};
// Korean names are matched as beginnings, the longer ones first where one begins like another.
constexpr std::array<UnitName, 68> kKoreanUnits = {{
    {"킬로미터", "m", 1e3},
    {"센티미터", "m", 0.01},
    {"밀리미터", "m", 1e-3},
    {"제곱미터", "m2", 1},
    {"미터", "m", 1},
    {"킬로그램", "g", 1e3},
    {"밀리그램", "g", 1e-3},
    {"그램", "g", 1},
    {"톤", "g", 1e6},
    {"리터", "l", 1},
    {"퍼센트포인트", "%p", 1},
    {"퍼센트", "%", 1},
    {"프로", "%", 1},
    {"원", "원", 1},
    {"달러", "dollar", 1},
    {"유로", "euro", 1},
    {"엔", "yen", 1},
    {"위안", "yuan", 1},
    {"세기", "century", 1},
    {"시간", "second", 3600},
    {"분기", "quarter", 1},
    {"분", "second", 60},
    {"초", "second", 1},
    {"주일", "second", 604800},
    {"주년", "year", 1},
    {"주", "second", 604800},
    {"일", "second", 86400},
    {"개월", "month", 1},
    {"달", "month", 1},
    {"년", "year", 1},
    {"살", "age", 1},
    {"세대", "household", 1},
    {"세", "age", 1},
    {"명", "people", 1},
    {"사람", "people", 1},
    {"인분", "portion", 1},
    {"번째", "th", 1},
    {"번", "time", 1},
    {"회", "time", 1},
    {"차례", "time", 1},
    {"배", "fold", 1},
    {"곳", "place", 1},
    {"군데", "place", 1},
    {"개국", "country", 1},
    {"개", "piece", 1},
    {"가지", "kind", 1},
    {"종", "kind", 1},
    {"권", "book", 1},
    {"척", "ship", 1},
    {"마리", "animal", 1},
    {"대", "machine", 1},
    {"장", "sheet", 1},
    {"층", "floor", 1},
    {"쪽", "page", 1},
    {"페이지", "page", 1},
    {"호", "number", 1},
    {"위", "rank", 1},
    {"점", "point", 1},
    {"표", "vote", 1},
    {"건", "case", 1},
    {"채", "house", 1},
    {"그루", "tree", 1},
    {"잔", "cup", 1},
    {"병", "bottle", 1},
    {"부", "copy", 1},
    {"도", "degree", 1},
    {"기가바이트", "byte", 1e9},
    {"메가바이트", "byte", 1e6},
}};
// Signs and Latin abbreviations, whole, as written.
constexpr std::array<UnitName, 22> kSigns = {{
    {"km", "m", 1e3},      {"cm", "m", 0.01},   {"mm", "m", 1e-3},      {"m", "m", 1},
    {"kg", "g", 1e3},      {"mg", "g", 1e-3},   {"g", "g", 1},          {"t", "g", 1e6},
    {"L", "l", 1},         {"ml", "l", 1e-3},   {"mL", "l", 1e-3},      {"ft", "foot", 1},
    {"GB", "byte", 1e9},   {"MB", "byte", 1e6}, {"KB", "byte", 1e3},    {"TB", "byte", 1e12},
    {"h", "second", 3600}, {"s", "second", 1},  {"ms", "second", 1e-3}, {"GHz", "Hz", 1e9},
    {"MHz", "Hz", 1e6},    {"kHz", "Hz", 1e3},
}};
// English words without their plural.
constexpr std::array<UnitName, 37> kWords = {{
    {"metre", "m", 1},          {"meter", "m", 1},         {"kilometre", "m", 1e3},
    {"kilometer", "m", 1e3},    {"centimetre", "m", 0.01}, {"centimeter", "m", 0.01},
    {"foot", "foot", 1},        {"feet", "foot", 1},       {"mile", "mile", 1},
    {"gram", "g", 1},           {"kilogram", "g", 1e3},    {"tonne", "g", 1e6},
    {"ton", "g", 1e6},          {"pound", "pound", 1},     {"litre", "l", 1},
    {"liter", "l", 1},          {"percent", "%", 1},       {"second", "second", 1},
    {"minute", "second", 60},   {"hour", "second", 3600},  {"day", "second", 86400},
    {"week", "second", 604800}, {"month", "month", 1},     {"year", "year", 1},
    {"dollar", "dollar", 1},    {"euro", "euro", 1},       {"cent", "cent", 1},
    {"won", "원", 1},           {"yen", "yen", 1},         {"person", "people", 1},
    {"people", "people", 1},    {"degree", "degree", 1},   {"time", "time", 1},
    {"gigabyte", "byte", 1e9},  {"megabyte", "byte", 1e6}, {"century", "century", 1},
    {"byte", "byte", 1},
}};
// Words behind a number that it does not count.
constexpr std::array<std::string_view, 34> kNoUnits = {
    "in",    "of",     "and",   "or",  "to",  "at",   "on",     "by",   "for",
    "from",  "with",   "is",    "are", "was", "were", "a",      "an",   "the",
    "that",  "than",   "but",   "as",  "per", "more", "less",   "when", "while",
    "after", "before", "which", "who", "it",  "this", "between"};

template <size_t kCount>
const Named* find_prefix(const std::array<Named, kCount>& names, std::string_view rest) {
  const Named* best = nullptr;
  for (const Named& named : names) {
    if (rest.starts_with(named.first) &&
        (best == nullptr || named.first.size() > best->first.size()))
      best = &named;
  }
  return best;
}

// The Latin word at `at`, in lower case.
std::string word_at(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && is_letter(text[end])) ++end;
  return lower_ascii(text.substr(at, end - at));
}

size_t skip_space(std::string_view text, size_t at) {
  return at < text.size() && text[at] == ' ' ? at + 1 : at;
}

template <size_t kCount>
std::optional<double> named_word(const std::array<Named, kCount>& names, std::string_view word) {
  for (const auto& [name, value] : names) {
    if (name == word) return value;
  }
  return std::nullopt;
}

// "1,947", "2.3": digits with commas between groups of three and a fraction.
ReadNumber read_digits(std::string_view text, size_t at) {
  std::string digits;
  size_t end = at;
  while (end < text.size()) {
    const bool comma = text[end] == ',' && end + 3 < text.size() && is_ascii_digit(text[end + 1]) &&
                       is_ascii_digit(text[end + 2]) && is_ascii_digit(text[end + 3]) &&
                       (end + 4 >= text.size() || !is_ascii_digit(text[end + 4]));
    if (!is_ascii_digit(text[end]) && !comma) break;
    if (!comma) digits += text[end];
    ++end;
  }
  if (end + 1 < text.size() && text[end] == '.' && is_ascii_digit(text[end + 1])) {
    digits += '.';
    for (++end; end < text.size() && is_ascii_digit(text[end]); ++end) digits += text[end];
  }
  ReadNumber number;
  std::from_chars(digits.data(), digits.data() + digits.size(), number.value);
  number.length = end - at;
  return number;
}

// Behind digits: 조, 억, 만 and 천 with more digits between ("2조 3천억"), or an English scale.
void read_scales(std::string_view text, size_t at, ReadNumber& number) {
  size_t end = at + number.length;
  double total = 0;
  double part = number.value;
  bool open = true;  // `part` is not yet in `total`
  for (;;) {
    const Named* unit = find_prefix(kBigUnits, text.substr(end));
    if (unit == nullptr) break;
    // "3천억": the thousand multiplies what the larger one does.
    size_t next = end + unit->first.size();
    double factor = unit->second;
    const Named* larger =
        unit->first == "천" ? find_prefix(kLargeUnits, text.substr(next)) : nullptr;
    if (larger != nullptr) {
      factor *= larger->second;
      next += larger->first.size();
    }
    total += part * factor;
    open = false;
    end = next;
    const size_t more = skip_space(text, end);
    if (more >= text.size() || !is_ascii_digit(text[more])) break;
    const ReadNumber digits = read_digits(text, more);
    const bool scaled = find_prefix(kBigUnits, text.substr(more + digits.length)) != nullptr;
    // "3만 5명" hardly means 30,005; only a joined one does.
    if (!scaled && (more != end || digits.value >= factor)) break;
    part = digits.value;
    end = more + digits.length;
    open = true;
  }
  if (total > 0) {
    number.value = total + (open ? part : 0);
    number.length = end - at;
    return;
  }
  const size_t next = skip_space(text, end);
  const std::string word = word_at(text, next);
  if (const auto scale = named_word(kEnglishScales, word)) {
    number.value *= *scale;
    number.length = next + word.size() - at;
  }
}

// 백만, 오십, 이천삼백: at least one of 십 백 천 만 억 조.
std::optional<ReadNumber> read_sino(std::string_view text, size_t at) {
  double total = 0, section = 0, digit = -1;
  size_t end = at;
  bool unit_seen = false;
  for (;;) {
    const std::string_view rest = text.substr(end);
    if (const Named* found = find_prefix(kSinoDigits, rest); found != nullptr && digit < 0) {
      digit = found->second;
      end += found->first.size();
    } else if (const Named* small = find_prefix(kSmallUnits, rest)) {
      section += (digit < 0 ? 1 : digit) * small->second;
      digit = -1;
      unit_seen = true;
      end += small->first.size();
    } else if (const Named* large = find_prefix(kLargeUnits, rest)) {
      section += digit < 0 ? 0 : digit;
      total += (section > 0 ? section : 1) * large->second;
      section = 0;
      digit = -1;
      unit_seen = true;
      end += large->first.size();
    } else {
      break;
    }
  }
  if (!unit_seen) return std::nullopt;
  return ReadNumber{total + section + (digit < 0 ? 0 : digit), end - at, true};
}

std::optional<ReadNumber> read_native(std::string_view text, size_t at) {
  ReadNumber number{0, 0, true};
  if (const Named* tens = find_prefix(kNativeTens, text.substr(at))) {
    number.value = tens->second;
    number.length = tens->first.size();
  }
  if (const Named* ones = find_prefix(kNativeOnes, text.substr(at + number.length))) {
    number.value += ones->second;
    number.length += ones->first.size();
  }
  if (number.length == 0) return std::nullopt;
  return number;
}

std::optional<ReadNumber> read_english(std::string_view text, size_t at) {
  std::string word = word_at(text, at);
  const auto first = named_word(kEnglishNumbers, word);
  if (!first) return std::nullopt;
  ReadNumber number{*first, word.size(), true};
  for (;;) {
    const size_t end = at + number.length;
    if (end >= text.size() || (text[end] != ' ' && text[end] != '-')) return number;
    word = word_at(text, end + 1);
    if (const auto scale = named_word(kEnglishScales, word)) {
      number.value *= *scale;
    } else if (const auto ones = named_word(kEnglishNumbers, word);
               ones && *ones < 10 && *ones > 0 && number.value >= 20 && number.value < 100) {
      number.value += *ones;
    } else {
      return number;
    }
    number.length = end + 1 + word.size() - at;
  }
}

std::string singular(const std::string& word) {
  if (word.size() > 3 && word.ends_with("ies")) return word.substr(0, word.size() - 3) + "y";
  const bool plural = word.size() > 3 && word.ends_with("s") && !word.ends_with("ss");
  return plural ? word.substr(0, word.size() - 1) : word;
}

std::optional<ReadUnit> read_english_unit(std::string_view text, size_t at, size_t begin) {
  size_t end = begin;
  while (end < text.size() && is_letter(text[end])) ++end;
  if (end == begin) return std::nullopt;
  const std::string_view written = text.substr(begin, end - begin);
  for (const UnitName& unit : kSigns) {
    if (unit.text == written) return ReadUnit{std::string(unit.name), unit.factor, end - at};
  }
  const std::string word = singular(lower_ascii(written));
  for (const UnitName& unit : kWords) {
    if (unit.text == word) return ReadUnit{std::string(unit.name), unit.factor, end - at};
  }
  if (word == "per" && text.substr(end).starts_with(" cent")) return ReadUnit{"%", 1, end + 5 - at};
  for (const std::string_view none : kNoUnits) {
    if (none == word) return std::nullopt;
  }
  return ReadUnit{"~" + word, 1, end - at};
}

}  // namespace

std::optional<ReadNumber> read_number(std::string_view text, size_t at) {
  if (is_ascii_digit(text[at])) {
    ReadNumber number = read_digits(text, at);
    read_scales(text, at, number);
    return number;
  }
  if (is_letter(text[at])) return read_english(text, at);
  if (auto native = read_native(text, at)) return native;
  return read_sino(text, at);
}

std::optional<ReadUnit> read_unit(std::string_view text, size_t at) {
  const size_t begin = skip_space(text, at);
  if (begin >= text.size()) return std::nullopt;
  const std::string_view rest = text.substr(begin);
  constexpr std::array<UnitName, 4> kMarks = {
      {{"%p", "%p", 1}, {"%", "%", 1}, {"℃", "degree", 1}, {"°", "degree", 1}}};
  for (const UnitName& mark : kMarks) {
    if (rest.starts_with(mark.text))
      return ReadUnit{std::string(mark.name), mark.factor, begin + mark.text.size() - at};
  }
  for (const UnitName& unit : kKoreanUnits) {
    if (rest.starts_with(unit.text))
      return ReadUnit{std::string(unit.name), unit.factor, begin + unit.text.size() - at};
  }
  return read_english_unit(text, at, begin);
}

bool is_known_unit(const ReadUnit& unit) { return !unit.name.starts_with("~"); }

std::optional<ReadNumber> read_day_word(std::string_view text, size_t at) {
  const Named* found = find_prefix(kDayWords, text.substr(at));
  if (found == nullptr) return std::nullopt;
  return ReadNumber{found->second, found->first.size(), true};
}

int read_month_name(std::string_view text, size_t at, size_t& length) {
  const std::string word = word_at(text, at);
  if (word.size() < 3) return 0;
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (kMonths[i] != word && !(word.size() == 3 && kMonths[i].starts_with(word))) continue;
    length = word.size();
    return static_cast<int>(i) + 1;
  }
  return 0;
}

}  // namespace onmal

#include "corpus/clean/number_rules.h"

#include <algorithm>
#include <string>

namespace onmal {
namespace {

using Match = std::optional<PersonalMatch>;

constexpr auto kResidentWords = std::to_array<std::string_view>(
    {"주민", "등록번호", "외국인", "rrn", "resident registration", "alien registration",
     "registration n", "arc no", "arc number"});
constexpr auto kPhoneWords = std::to_array<std::string_view>(
    {"전화",     "연락", "휴대", "핸드폰",  "번호",    "팩스",     "문의",
     "고객센터", "☎",    "☏",    "📞",       "tel",     "phone",    "fax",
     "mobile",   "call", "cell", "contact", "text me", "whatsapp", "hotline"});
constexpr auto kCardWords = std::to_array<std::string_view>(
    {"카드", "card", "visa", "master", "amex", "결제", "payment", "credit", "debit"});
constexpr auto kAccountWords = std::to_array<std::string_view>(
    {"계좌", "입금", "송금", "은행", "뱅크", "농협", "수협", "신협", "새마을", "우체국", "예금주",
     "bank", "account n", "account:", "account #", "acct", "a/c"});
// Banks' names without 은행, which are other words as often: right before or behind the number.
constexpr auto kBankNames = std::to_array<std::string_view>(
    {"신한",     "국민", "우리", "하나", "기업", "카뱅", "토뱅",   "케뱅",   "카카오", "토스",
     "케이뱅크", "씨티", "제일", "농협", "수협", "신협", "새마을", "우체국", "전북",   "광주",
     "대구",     "부산", "경남", "제주", "산업", "KB",   "NH",     "IBK",    "SC"});
// Numbers of other things that are told of near banks and licences.
constexpr auto kOtherNumbers = std::to_array<std::string_view>(
    {"등기", "송장", "주문", "상품", "바코드", "승인", "거래번호", "접수", "코드", "제품", "일련",
     "시리얼", "예약", "isbn", "법인", "사업자"});
constexpr auto kPassportWords = std::to_array<std::string_view>({"여권", "passport"});
constexpr auto kLicenceWords =
    std::to_array<std::string_view>({"면허", "driver", "driving", "licence", "license"});
constexpr auto kBusinessWords =
    std::to_array<std::string_view>({"사업자", "business reg", "brn", "등록번호"});
constexpr auto kVersionWords =
    std::to_array<std::string_view>({"버전", "version", "ver.", " v", "빌드", "build", "릴리스"});

std::string join_digits(const NumberRun& run, size_t groups) {
  std::string all;
  for (size_t i = 0; i < groups; ++i) all += run.digits(i);
  return all;
}

int weighted_sum(std::string_view digits, std::string_view weights) {
  int sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) sum += (digits[i] - '0') * (weights[i] - '0');
  return sum;
}

int number_of(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

bool is_date(std::string_view yymmdd, char century) {
  static constexpr std::array<int, 12> kDays = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int year = number_of(yymmdd.substr(0, 2));
  const int month = number_of(yymmdd.substr(2, 2));
  const int day = number_of(yymmdd.substr(4, 2));
  if (month < 1 || month > 12 || day < 1 || day > kDays[static_cast<size_t>(month - 1)])
    return false;
  // 29 February, in the century that the seventh digit tells: 1900 had none.
  const bool twentieth = century == '1' || century == '2' || century == '5' || century == '6';
  return month != 2 || day < 29 || (year % 4 == 0 && !(year == 0 && twentieth));
}

// One of the words begins right behind the number, or in brackets there.
template <size_t N>
bool has_word_behind(std::string_view text, size_t at,
                     const std::array<std::string_view, N>& words) {
  std::string_view rest = text.substr(std::min(at, text.size()));
  while (!rest.empty() && (rest[0] == ' ' || rest[0] == '(' || rest[0] == ',' || rest[0] == '/'))
    rest.remove_prefix(1);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return rest.starts_with(word); });
}

// A bank's name is the word that ends right before the number.
bool behind_bank_name(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == ':')) --end;
  return std::any_of(kBankNames.begin(), kBankNames.end(), [&](std::string_view name) {
    const std::string_view before = text.substr(0, end);
    if (!before.ends_with(name)) return false;
    const size_t at = end - name.size();
    return at == 0 ||
           (static_cast<unsigned char>(text[at - 1]) < 0x80 && !is_ascii_word(text[at - 1]));
  });
}

// What follows makes the digits a quantity.
bool is_counted(std::string_view text, size_t end) {
  static constexpr auto kUnits = std::to_array<std::string_view>(
      {"원", "달러", "엔", "유로", "명", "개", "건", "주", "회", "바이트", "%"});
  const std::string_view rest = text.substr(std::min(end, text.size()));
  return std::any_of(kUnits.begin(), kUnits.end(),
                     [&](std::string_view unit) { return rest.starts_with(unit); });
}

PersonalMatch make_match(const NumberRun& run, size_t groups, PersonalKind kind,
                         Confidence confidence) {
  return {run.begin(), run.end(groups - 1), kind, confidence};
}

// Since October 2020 the last six digits are random: births after it can have no checksum.
Match match_resident(std::string_view text, const NumberRun& run) {
  const bool apart = run.has_lengths(6, 7) && (run.separator(0) == '-' || run.separator(0) == ' ');
  const bool joined = run.has_lengths(13);
  const size_t groups = joined ? 1 : 2;
  if ((!apart && !joined) || !run.ends_behind(groups - 1)) return {};
  const std::string digits = join_digits(run, groups);
  const char century = digits[6];
  if (century == '9' || century == '0' || !is_date(std::string_view(digits).substr(0, 6), century))
    return {};
  const bool foreigner = century >= '5';
  const bool random = (century == '3' || century == '4' || century == '7' || century == '8') &&
                      digits.compare(0, 6, "201005") >= 0;
  const bool fits =
      !random && (foreigner ? foreigner_checksum_fits(digits) : resident_checksum_fits(digits));
  static constexpr auto kCompany = std::to_array<std::string_view>({"법인"});
  if (has_word_before(text, run.begin(), kCompany, 30)) return {};
  const bool word = has_word_before(text, run.begin(), kResidentWords);
  const PersonalKind kind =
      foreigner ? PersonalKind::kForeignerNumber : PersonalKind::kResidentNumber;
  if (fits && (run.separator(0) == '-' || word))
    return make_match(run, groups, kind, Confidence::kHigh);
  if (word) return make_match(run, groups, kind, Confidence::kMedium);
  if (apart && run.separator(0) == '-') return make_match(run, groups, kind, Confidence::kLow);
  return {};
}

bool is_area_code(std::string_view code) {
  static constexpr auto kAreas = std::to_array<std::string_view>(
      {"02", "031", "032", "033", "041", "042", "043", "044", "051", "052", "053", "054", "055",
       "061", "062", "063", "064", "070"});
  return std::find(kAreas.begin(), kAreas.end(), code) != kAreas.end() ||
         (code.size() == 4 && code.starts_with("050") && code[3] >= '2' && code[3] <= '8');
}

bool is_mobile_code(std::string_view code) {
  return code.size() == 3 && code.starts_with("01") && code[2] != '2' && code[2] != '3' &&
         code[2] != '4' && code[2] != '5';
}

// 010-1234-5678 from group `first` on, whose code may have lost its 0 behind +82.
bool has_korean_phone(const NumberRun& run, size_t first, std::string& code) {
  if (run.count() < first + 3 || run.length(first + 2) != 4) return false;
  code = run.digits(first);
  if (code[0] != '0') code.insert(0, 1, '0');
  const size_t middle = run.length(first + 1);
  if (middle != 3 && middle != 4) return false;
  if (run.digits(first + 1)[0] == '0' && middle == 3) return false;
  return (is_mobile_code(code) && (code != "010" || middle == 4)) || is_area_code(code);
}

Match match_joined_phone(std::string_view text, const NumberRun& run) {
  const std::string_view digits = run.digits(0);
  if (!run.ends_behind(0) || digits[0] != '0') return {};
  const bool word = has_word_before(text, run.begin(), kPhoneWords);
  if (digits.size() == 11 && digits.starts_with("010") && digits[3] >= '2')
    return make_match(run, 1, PersonalKind::kPhone, word ? Confidence::kHigh : Confidence::kMedium);
  static constexpr auto kBehind =
      std::to_array<std::string_view>({"전화", "연락", "문자", "카톡", "팩스", "사무실", "집전화"});
  const bool told = word || has_word_behind(text, run.end(0), kBehind);
  if (!told || digits.size() < 9 || digits.size() > 12) return {};
  const bool known = is_mobile_code(digits.substr(0, 3)) || is_area_code(digits.substr(0, 3)) ||
                     digits.starts_with("02") || is_area_code(digits.substr(0, 4));
  if (!known) return {};
  return make_match(run, 1, PersonalKind::kPhone, Confidence::kMedium);
}

Match match_korean_phone(std::string_view text, const NumberRun& run) {
  std::string code;
  if (run.count() >= 1 && run.length(0) >= 9) return match_joined_phone(text, run);
  if (run.has_lengths(3, 8) && run.digits(0) == "010" && run.separator(0) == '-' &&
      run.ends_behind(1))
    return make_match(run, 2, PersonalKind::kPhone, Confidence::kHigh);
  const std::string_view first = run.digits(0);
  if ((first == "82" || first == "0082" || first == "00182") && run.separator(0) == '-' &&
      run.count() > 3 && run.digits(1).ends_with("10") && has_korean_phone(run, 1, code) &&
      run.ends_behind(3))
    return make_match(run, 4, PersonalKind::kPhone, Confidence::kMedium);
  if (!has_korean_phone(run, 0, code) || run.digits(0)[0] != '0' || !run.ends_behind(2)) return {};
  const bool hyphens = run.separator(1) == '-' && run.separator(0) != ' ';
  const bool mobile = is_mobile_code(code);
  const bool word = has_word_before(text, run.begin(), kPhoneWords);
  if (run.separator(0) == '.' && run.separator(1) != '.') return {};
  if (hyphens || (mobile && code == "010") || word)
    return make_match(run, 3, PersonalKind::kPhone,
                      hyphens || word ? Confidence::kHigh : Confidence::kMedium);
  return {};
}

// Behind '+': the country's code, then the number.
Match match_international(std::string_view text, const NumberRun& run) {
  if (run.begin() == 0 || text[run.begin() - 1] != '+') return {};
  if (run.begin() >= 2 && is_ascii_word(text[run.begin() - 2])) return {};
  std::string code;
  const std::string_view country = run.digits(0);
  PersonalMatch match = {run.begin() - 1, 0, PersonalKind::kPhone, Confidence::kHigh};
  if (country == "82") {
    // +82 (0)10-…: the bracketed 0 is a group of its own.
    const size_t first = run.count() > 1 && run.digits(1) == "0" ? 2 : 1;
    if (has_korean_phone(run, first, code) && run.ends_behind(first + 2)) {
      match.end = run.end(first + 2);
      return match;
    }
  }
  if (run.count() >= 1 && country.size() == 12 && country.starts_with("8210") &&
      run.ends_behind(0)) {
    match.end = run.end(0);
    return match;
  }
  size_t digits = 0;
  size_t groups = 0;
  while (groups < run.count() && digits + run.length(groups) <= 15) digits += run.length(groups++);
  if (groups == 0 || digits < 10 || country[0] == '0' || !run.ends_behind(groups - 1)) return {};
  const bool word = has_word_before(text, run.begin() - 1, kPhoneWords);
  if (!word && (groups < 3 || country.size() > 3 || run.length(groups - 1) < 2)) return {};
  match.end = run.end(groups - 1);
  match.confidence = word ? Confidence::kHigh : Confidence::kMedium;
  return match;
}

Match match_american_phone(std::string_view text, const NumberRun& run) {
  if (!run.has_lengths(3, 3, 4) || !run.ends_behind(2)) return {};
  if (run.digits(0)[0] < '2' || run.digits(1)[0] < '2') return {};
  const bool bracket = run.separator(0) == ')' && run.begin() > 0 && text[run.begin() - 1] == '(';
  if (!bracket && run.separator(0) != run.separator(1)) return {};
  const bool word = has_word_before(text, run.begin(), kPhoneWords);
  if (!bracket && !word) return {};
  return make_match(run, 3, PersonalKind::kPhone, word ? Confidence::kHigh : Confidence::kMedium);
}

bool is_card_number(std::string_view digits) {
  if (digits.size() < 14 || digits.size() > 19) return false;
  const int two = number_of(digits.substr(0, 2));
  const int four = number_of(digits.substr(0, 4));
  const size_t n = digits.size();
  if (n == 15) return two == 34 || two == 37;
  if (n == 14) return two == 36 || two == 38 || (four >= 3000 && four <= 3059);
  if (n != 16) return n == 19 && (two == 62 || digits[0] == '4');
  return digits[0] == '4' || (two >= 51 && two <= 55) || (four >= 2221 && four <= 2720) ||
         four == 6011 || (four >= 6440 && four <= 6599) || (four >= 3528 && four <= 3589) ||
         two == 62 || two == 94 || two == 35 || two == 36;
}

Match match_card(std::string_view text, const NumberRun& run) {
  const bool fours = run.has_lengths(4, 4, 4, 4);
  const bool american = run.has_lengths(4, 6, 5);
  const bool joined = run.count() >= 1 && run.length(0) >= 14;
  const size_t groups = fours ? 4 : american ? 3 : 1;
  if ((!fours && !american && !joined) || !run.ends_behind(groups - 1)) return {};
  const std::string digits = join_digits(run, groups);
  if (!is_card_number(digits) || !luhn_fits(digits)) return {};
  static constexpr auto kBehind = std::to_array<std::string_view>({"카드", "로 결제", "으로 결제"});
  const bool word = has_word_before(text, run.begin(), kCardWords) ||
                    has_word_behind(text, run.end(groups - 1), kBehind);
  if (word) return make_match(run, groups, PersonalKind::kCard, Confidence::kHigh);
  if (joined) return make_match(run, groups, PersonalKind::kCard, Confidence::kLow);
  const char separator = run.separator(0);
  if ((separator != '-' && separator != ' ') || !run.separated_by(separator, groups)) return {};
  // A table of numbers or a dump of bytes goes on in the same way.
  const bool dump = separator == ' ' &&
                    (run.count() > groups || (run.begin() >= 2 && text[run.begin() - 1] == ' ' &&
                                              is_ascii_word(text[run.begin() - 2])));
  return make_match(run, groups, PersonalKind::kCard, dump ? Confidence::kLow : Confidence::kHigh);
}

// Groups and digits of the run that are joined by `joint` from its begin on.
size_t count_joined(const NumberRun& run, char joint, size_t& digits) {
  size_t groups = 1;
  digits = run.length(0);
  while (groups < run.count() && groups < 5 && run.separator(groups - 1) == joint)
    digits += run.length(groups++);
  return groups;
}

Match match_account(std::string_view text, const NumberRun& run) {
  size_t digits = 0;
  size_t groups = count_joined(run, '-', digits);
  const bool spaced = groups == 1 && digits < 10;
  if (spaced) groups = count_joined(run, ' ', digits);
  if (digits < 10 || digits > 16 || !run.ends_behind(groups - 1)) return {};
  const size_t end = run.end(groups - 1);
  const bool parts = groups >= 3;
  const bool named = (parts && behind_bank_name(text, run.begin())) ||
                     ((parts || digits >= 11) && has_word_behind(text, end, kBankNames));
  if (!named && (spaced || !has_word_before(text, run.begin(), kAccountWords, 48))) return {};
  if (is_counted(text, end) || has_word_before(text, run.begin(), kOtherNumbers, 30)) return {};
  // A date of the bank's notice is no account.
  const std::string_view year = run.digits(0).substr(0, 2);
  if (groups >= 3 && run.has_lengths(4, 2, 2) && (year == "19" || year == "20")) return {};
  return make_match(run, groups, PersonalKind::kAccount, Confidence::kMedium);
}

// M12345678, M123A4567, nine digits; the letter stands before the run.
Match match_passport(std::string_view text, const NumberRun& run) {
  const bool letter = run.begin() > 0 && is_ascii_letter(text[run.begin() - 1]) &&
                      (run.begin() == 1 || !is_ascii_word(text[run.begin() - 2]));
  const size_t begin = letter ? run.begin() - 1 : run.begin();
  if (!letter && run.length(0) != 9) return {};
  if (!has_word_before(text, begin, kPassportWords)) return {};
  size_t end = run.end(0);
  if (letter && run.length(0) == 3 && end + 5 <= text.size() && is_ascii_letter(text[end]) &&
      std::all_of(text.begin() + static_cast<std::ptrdiff_t>(end) + 1,
                  text.begin() + static_cast<std::ptrdiff_t>(end) + 5, is_digit)) {
    end += 5;
    if (end < text.size() && is_ascii_word(text[end])) return {};
  } else if ((run.length(0) != 8 && run.length(0) != 9) || !run.ends_behind(0)) {
    return {};
  }
  return PersonalMatch{begin, end, PersonalKind::kPassport, Confidence::kMedium};
}

Match match_licence(std::string_view text, const NumberRun& run) {
  const auto has_word = [&] { return has_word_before(text, run.begin(), kLicenceWords); };
  if (run.has_lengths(2, 2, 6, 2) && run.separated_by('-', 4) && run.ends_behind(3)) {
    const int region = number_of(run.digits(0));
    if (region < 11 || region > 28) return {};
    const bool word = has_word();
    if (!word && has_word_before(text, run.begin(), kOtherNumbers, 30)) return {};
    return make_match(run, 4, PersonalKind::kDriverLicence,
                      word ? Confidence::kHigh : Confidence::kMedium);
  }
  // 서울 12-345678-90, as licences before 2018 write the region.
  if (run.has_lengths(2, 6, 2) && run.separated_by('-', 3) && run.ends_behind(2) && has_word())
    return make_match(run, 3, PersonalKind::kDriverLicence, Confidence::kMedium);
  if (run.has_lengths(12) && run.ends_behind(0) && number_of(run.digits(0).substr(0, 2)) >= 11 &&
      number_of(run.digits(0).substr(0, 2)) <= 28 && has_word())
    return make_match(run, 1, PersonalKind::kDriverLicence, Confidence::kMedium);
  return {};
}

Match match_business(std::string_view text, const NumberRun& run) {
  const bool apart = run.has_lengths(3, 2, 5) && run.separated_by('-', 3);
  const bool joined = run.has_lengths(10) && has_word_before(text, run.begin(), kBusinessWords);
  const size_t groups = apart ? 3 : 1;
  if ((!apart && !joined) || !run.ends_behind(groups - 1)) return {};
  if (!business_checksum_fits(join_digits(run, groups))) return {};
  return make_match(run, groups, PersonalKind::kBusinessNumber, Confidence::kHigh);
}

// IPv4 but those that belong to nobody (0, 10, 127, 169.254, 172.16 to 31, 192.168, 224 and above).
Match match_ip(std::string_view text, const NumberRun& run) {
  if (run.count() < 4 || !run.separated_by('.', 4) || !run.ends_behind(3)) return {};
  std::array<int, 4> parts = {};
  for (size_t i = 0; i < 4; ++i) {
    if (run.length(i) > 3 || (run.length(i) > 1 && run.digits(i)[0] == '0')) return {};
    parts[i] = number_of(run.digits(i));
    if (parts[i] > 255) return {};
  }
  if (run.begin(1) != run.end(0) + 1 || run.begin(2) != run.end(1) + 1 ||
      run.begin(3) != run.end(2) + 1)
    return {};
  const bool nobody = parts[0] == 0 || parts[0] == 10 || parts[0] == 127 || parts[0] >= 224 ||
                      (parts[0] == 169 && parts[1] == 254) ||
                      (parts[0] == 192 && parts[1] == 168) ||
                      (parts[0] == 172 && parts[1] >= 16 && parts[1] <= 31);
  if (nobody || has_word_before(text, run.begin(), kVersionWords, 24)) return {};
  return make_match(run, 4, PersonalKind::kIpAddress,
                    parts[0] < 10 ? Confidence::kLow : Confidence::kMedium);
}

// Nothing that the first group goes on from: "a1", "x-1", "0.1", "/1".
bool begins_number(std::string_view text, size_t begin) {
  if (begin == 0) return true;
  const char before = text[begin - 1];
  if (is_ascii_word(before)) return false;
  const bool joint = before == '-' || before == '.' || before == '/' || before == '\\' ||
                     before == '%' || before == '@' || before == '&';
  return !joint || begin == 1 || !is_ascii_word(text[begin - 2]);
}

}  // namespace

NumberRun::NumberRun(std::string_view text, size_t begin) : text_(text) {
  size_t at = begin;
  while (count_ < groups_.size()) {
    size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    groups_[count_++] = {at, end};
    size_t next = end;
    int joints = 0;
    while (next < text.size() && next < end + 4) {
      const char c = text[next];
      if (c == '-' || c == '.') ++joints;
      if (c != '-' && c != '.' && c != ' ' && c != ')' && c != '(') break;
      ++next;
    }
    if (next == end || joints > 1 || next >= text.size() || !is_digit(text[next])) return;
    at = next;
  }
}

std::string_view NumberRun::digits(size_t group) const {
  return text_.substr(begin(group), length(group));
}

char NumberRun::separator(size_t group) const {
  if (group + 1 >= count_) return 0;
  const std::string_view between = text_.substr(end(group), begin(group + 1) - end(group));
  if (between.find_first_of("()") != between.npos) return ')';
  if (between.find('-') != between.npos) return '-';
  return between.find('.') != between.npos ? '.' : ' ';
}

bool NumberRun::separated_by(char wanted, size_t groups) const {
  for (size_t i = 0; i + 1 < groups; ++i)
    if (separator(i) != wanted) return false;
  return true;
}

bool NumberRun::ends_behind(size_t group) const {
  const size_t at = end(group);
  if (at >= text_.size()) return true;
  if (is_ascii_word(text_[at])) return false;
  const bool joint = text_[at] == '-' || text_[at] == '.' || text_[at] == '/' || text_[at] == ':';
  return !joint || at + 1 >= text_.size() || !is_ascii_word(text_[at + 1]) ||
         (text_[at] == '/' && text_[at + 1] == '0') ||
         (text_[at] == '.' && is_ascii_letter(text_[at + 1]));
}

std::optional<PersonalMatch> match_number(std::string_view text, const NumberRun& run,
                                          const PersonalOptions& options) {
  using Rule = Match (*)(std::string_view, const NumberRun&);
  const auto wanted = [&](const Match& match) {
    return match && match->confidence >= options.least &&
           options.kinds[static_cast<size_t>(match->kind)];
  };
  if (const Match passport = match_passport(text, run); wanted(passport)) return passport;
  if (const Match phone = match_international(text, run); wanted(phone)) return phone;
  if (!begins_number(text, run.begin())) return {};
  for (const Rule rule : {Rule(match_resident), Rule(match_card), Rule(match_korean_phone),
                          Rule(match_american_phone), Rule(match_licence), Rule(match_business),
                          Rule(match_account), Rule(match_ip)})
    if (const Match match = rule(text, run); wanted(match)) return match;
  return {};
}

bool resident_checksum_fits(std::string_view digits) {
  return (11 - weighted_sum(digits, "234567892345") % 11) % 10 == digits[12] - '0';
}

bool foreigner_checksum_fits(std::string_view digits) {
  return (13 - weighted_sum(digits, "234567892345") % 11) % 10 == digits[12] - '0';
}

bool luhn_fits(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    sum += i % 2 == 0 ? digit : digit * 2 / 10 + digit * 2 % 10;
  }
  return sum % 10 == 0;
}

bool business_checksum_fits(std::string_view digits) {
  const int sum = weighted_sum(digits, "137137135") + (digits[8] - '0') * 5 / 10;
  return (10 - sum % 10) % 10 == digits[9] - '0';
}

}  // namespace onmal

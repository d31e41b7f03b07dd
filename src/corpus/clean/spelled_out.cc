#include "corpus/clean/spelled_out.h"

#include <algorithm>
#include <array>
#include <string>

namespace onmal {
namespace {

using Match = std::optional<PersonalMatch>;

constexpr size_t kPhoneDigits = 11;
constexpr auto kDigitNames = std::to_array<std::string_view>(
    {"공", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구", "영"});

bool starts_at(std::string_view text, size_t at, std::string_view what) {
  return text.substr(std::min(at, text.size()), what.size()) == what;
}

// The digit at `at`, as a number, a Korean name or a letter that looks like it; 0 bytes for none.
size_t read_digit(std::string_view text, size_t at, char& digit) {
  if (at >= text.size()) return 0;
  const char c = text[at];
  if (is_digit(c)) {
    digit = c;
    return 1;
  }
  if (c == 'O' || c == 'o') {
    digit = '0';
    return 1;
  }
  if (static_cast<unsigned char>(c) < 0xE0) return 0;
  for (size_t i = 0; i < kDigitNames.size(); ++i)
    if (starts_at(text, at, kDigitNames[i])) {
      digit = static_cast<char>('0' + i % 10);
      return kDigitNames[i].size();
    }
  return 0;
}

// What may stand between the groups of a number: one sign with blanks around it at most.
size_t skip_joint(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && text[end] == ' ' && end < at + 1) ++end;
  for (const std::string_view sign : {"-", ".", "~", "/", "_", "·"})
    if (starts_at(text, end, sign)) {
      end += sign.size();
      while (end < text.size() && text[end] == ' ' && text[end - 1] != ' ') ++end;
      return end;
    }
  return end;
}

// Domains whose ending is surely one: code is full of a @ b.c.
bool is_common_domain(std::string_view domain) {
  constexpr auto kEndings = std::to_array<std::string_view>({".com", ".net", ".org", ".kr"});
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view end) {
    return domain.ends_with(end) && domain.size() > end.size() + 1;
  });
}

// The domain from `at` on, where dots may be spelt out, too; its end, or `at`.
size_t spelled_domain_end(std::string_view text, size_t at) {
  std::string domain;
  size_t end = at;
  while (end < text.size() && domain.size() < 255) {
    const char c = text[end];
    if (is_digit(c) || is_ascii_letter(c) || c == '-' || c == '.') {
      domain += c;
      ++end;
      continue;
    }
    size_t next = end;
    while (next < text.size() && text[next] == ' ' && next < end + 1) ++next;
    for (const std::string_view dot : {"[dot]", "(dot)", "점", "쩜", "닷"}) {
      if (!starts_at(text, next, dot)) continue;
      next += dot.size();
      while (next < text.size() && text[next] == ' ' && text[next - 1] != ' ') ++next;
      if (next >= text.size() || !is_ascii_letter(text[next])) return at;
      domain += '.';
      break;
    }
    if (next == end || !domain.ends_with('.')) break;
    end = next;
  }
  while (domain.ends_with('.')) {
    domain.pop_back();
    --end;
  }
  return is_common_domain(domain) ? end : at;
}

// Bytes of the sign at `at` that stands for '@', 0 for none.
size_t spelled_sign(std::string_view text, size_t at) {
  for (const std::string_view sign :
       {"(at)", "[at]", "{at}", "(골뱅이)", "[골뱅이]", "골뱅이", "@"})
    if (starts_at(text, at, sign)) return sign.size();
  return 0;
}

}  // namespace

Match match_spelled_phone(std::string_view text, size_t at) {
  if (at > 0 && is_ascii_word(text[at - 1])) return {};
  std::string digits;
  std::array<size_t, kPhoneDigits> places = {};
  size_t end = at;
  size_t names = 0;
  size_t joints = 0;
  while (digits.size() < kPhoneDigits) {
    if (digits.size() == 3 || digits.size() == 7) {
      const size_t next = skip_joint(text, end);
      joints += next > end ? 1 : 0;
      end = next;
    }
    char digit = 0;
    const size_t length = read_digit(text, end, digit);
    if (length == 0) return {};
    names += length > 1 ? 1 : 0;
    places[digits.size()] = end;
    digits += digit;
    end += length;
    // All but what may be a number is left at once.
    if (digits.size() == 3 && digits != "010") return {};
  }
  // A long run of plain digits is another rule's; of letters, two joints tell it from a code.
  if (joints != 2 && names < 3) return {};
  if (joints == 1 || digits[3] < '2') return {};
  if (end < text.size() && (is_ascii_word(text[end]) || text[end] == '-')) return {};
  const std::string_view first = text.substr(places[3 - 1], places[3] - places[3 - 1]);
  const std::string_view second = text.substr(places[7 - 1], places[7] - places[7 - 1]);
  if (joints == 2 && names == 0 && first.substr(1) != second.substr(1)) return {};
  return PersonalMatch{at, end, PersonalKind::kPhone, Confidence::kMedium};
}

Match match_spelled_email(std::string_view text, size_t at, size_t floor) {
  const size_t sign = spelled_sign(text, at);
  if (sign == 0) return {};
  size_t local = at;
  if (local > floor && text[local - 1] == ' ') --local;
  size_t domain = at + sign;
  if (domain < text.size() && text[domain] == ' ') ++domain;
  // "a @ b.com" has both blanks or it is something else.
  if (text[at] == '@' && (local == at || domain == at + sign)) return {};
  size_t begin = local;
  while (begin > floor && local - begin < 64 &&
         (is_ascii_word(text[begin - 1]) || text[begin - 1] == '.' || text[begin - 1] == '-' ||
          text[begin - 1] == '+'))
    --begin;
  while (begin < local && !is_digit(text[begin]) && !is_ascii_letter(text[begin])) ++begin;
  constexpr size_t kLeastLocal = 3;
  if (local - begin < kLeastLocal) return {};
  const size_t end = spelled_domain_end(text, domain);
  if (end == domain) return {};
  return PersonalMatch{begin, end, PersonalKind::kEmail, Confidence::kMedium};
}

}  // namespace onmal

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

enum class PersonalKind : uint8_t {
  kResidentNumber,   // Korean resident registration number
  kForeignerNumber,  // Korean alien registration number
  kPhone,
  kCard,
  kAccount,
  kEmail,
  kPassport,
  kDriverLicence,
  kBusinessNumber,
  kAddress,
  kIpAddress,
};
inline constexpr size_t kPersonalKinds = 11;
// "resident_number", "phone" …
std::string_view personal_kind_name(PersonalKind kind);

// How sure a match is. High: a checksum or a form that little else has. Medium: the form, and a
// word beside it that says so. Low: the form alone, where other numbers look the same, too.
enum class Confidence : uint8_t { kLow, kMedium, kHigh };

struct PersonalOptions {
  // Which kinds to look for. Business numbers are public and IP addresses mostly examples in
  // technical text: both are off.
  std::array<bool, kPersonalKinds> kinds = {true, true, true,  true, true, true,
                                            true, true, false, true, false};
  Confidence least = Confidence::kMedium;
};

// Bytes [begin, end) of the original text.
struct PersonalSpan {
  size_t begin;
  size_t end;
  PersonalKind kind;
  Confidence confidence;

  bool operator==(const PersonalSpan&) const = default;
};

// What looks like somebody's data in a text, from left to right, none overlapping. Full-width
// digits and Hangul in jamo (NFD) are read like plain ones. Time grows with the text's length.
//   resident, foreigner: 6+7 digits, a date, and the checksum; those given out since October 2020
//     have none: they need a word (주민등록번호 …) near by, as those without a hyphen do
//   phone: Korean mobile, area, internet and 050 numbers, also behind +82 or 0082; mobile ones with
//     other signs between, in words (공일공 …) or with O for 0; +CC numbers of ten to fifteen
//     digits; North American ones in brackets or beside a word
//   card: Luhn and the issuers' prefixes and lengths; in one piece only beside a word
//   email: also with (at), 골뱅이 or blanks around the sign, where the domain is a common one
//   account: beside a word, or right before or behind a bank's name; passport: beside a word;
//     driver's licence: 2-2-6-2 digits, or beside a word
//   address: Korean road names and lots behind a district's name, romanised ones, and American ones
std::vector<PersonalSpan> find_personal_data(std::string_view text,
                                             const PersonalOptions& options = {});

enum class MaskStyle : uint8_t {
  kKoreanTag,   // <전화번호>
  kEnglishTag,  // <PHONE>
  kStars,       // a star for each byte: places stay
};
std::string_view personal_mask(PersonalKind kind, MaskStyle style);
// The text with every span replaced; spans in order and apart.
std::string mask_personal_data(std::string_view text, const std::vector<PersonalSpan>& spans,
                               MaskStyle style = MaskStyle::kKoreanTag);

}  // namespace onmal

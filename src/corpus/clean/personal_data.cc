#include "corpus/clean/personal_data.h"

#include <algorithm>
#include <optional>

#include "corpus/clean/address_rules.h"
#include "corpus/clean/number_rules.h"
#include "corpus/clean/plain_text.h"
#include "corpus/clean/spelled_out.h"
#include "text/byte_block.h"

namespace onmal {
namespace {

struct KindNames {
  std::string_view name, korean, english;
};
constexpr std::array<KindNames, kPersonalKinds> kNames = {{
    {"resident_number", "<주민등록번호>", "<RESIDENT_NUMBER>"},
    {"foreigner_number", "<외국인등록번호>", "<FOREIGNER_NUMBER>"},
    {"phone", "<전화번호>", "<PHONE>"},
    {"card", "<카드번호>", "<CARD>"},
    {"account", "<계좌번호>", "<ACCOUNT>"},
    {"email", "<이메일>", "<EMAIL>"},
    {"passport", "<여권번호>", "<PASSPORT>"},
    {"driver_licence", "<운전면허번호>", "<DRIVER_LICENCE>"},
    {"business_number", "<사업자등록번호>", "<BUSINESS_NUMBER>"},
    {"address", "<주소>", "<ADDRESS>"},
    {"ip_address", "<IP주소>", "<IP_ADDRESS>"},
}};

bool is_local_character(char c) {
  return is_ascii_word(c) || c == '.' || c == '%' || c == '+' || c == '-';
}

// Last labels that are files' names (icon@2x.png), not domains.
bool is_file_ending(std::string_view label) {
  static constexpr auto kEndings = std::to_array<std::string_view>(
      {"png", "jpg", "jpeg", "gif", "svg", "webp", "js",  "ts",  "css",  "html", "json",
       "xml", "md",  "py",   "txt", "dll", "exe",  "tgz", "zip", "yaml", "yml",  "local"});
  return std::find(kEndings.begin(), kEndings.end(), label) != kEndings.end();
}

// Behind a label of Hangul alone that a dot follows, else `at`.
size_t korean_label_end(std::string_view text, size_t at) {
  size_t end = at;
  while (end + 2 < text.size() && end < at + 63 && static_cast<uint8_t>(text[end]) >= 0xEA &&
         static_cast<uint8_t>(text[end]) <= 0xED)
    end += 3;
  return end < text.size() && text[end] == '.' ? end : at;
}

// The domain behind '@', at least two labels, the last of letters: its end, or `at`.
size_t domain_end(std::string_view text, size_t at) {
  size_t end = at;
  size_t label = at;
  size_t good = at;
  while (end < text.size() && end < at + 255) {
    if (end == label) end = korean_label_end(text, end);
    const char c = end < text.size() ? text[end] : '\0';
    if (!is_digit(c) && !is_ascii_letter(c) && c != '-' && c != '.') break;
    if (c == '.') {
      if (end == label) break;
      label = end + 1;
    }
    ++end;
    // A last label that ends here?
    const bool stops = end == text.size() || (!is_ascii_word(text[end]) && text[end] != '-');
    const std::string_view last = text.substr(label, end - label);
    if (stops && label > at && last.size() >= 2 && last.size() <= 24 && !is_file_ending(last) &&
        std::all_of(last.begin(), last.end(), is_ascii_letter))
      good = end;
  }
  return good;
}

// The address around the '@' at `sign`.
std::optional<PersonalMatch> match_email(std::string_view text, size_t sign, size_t floor) {
  size_t begin = sign;
  while (begin > floor && sign - begin < 64 && is_local_character(text[begin - 1])) --begin;
  while (begin < sign && !is_digit(text[begin]) && !is_ascii_letter(text[begin])) ++begin;
  if (begin == sign || text[sign - 1] == '.') return {};
  const size_t end = domain_end(text, sign + 1);
  if (end == sign + 1) return {};
  // user@host of a URL, and a repository's git@host:path.
  if (begin >= 3 && text.substr(begin - 3, 3) == "://") return {};
  if (text.substr(begin, sign - begin) == "git" && end < text.size() && text[end] == ':') return {};
  return PersonalMatch{begin, end, PersonalKind::kEmail, Confidence::kHigh};
}

class PersonalScan {
 public:
  PersonalScan(std::string_view text, const PersonalOptions& options)
      : text_(text), options_(options) {}

  std::vector<PersonalMatch> run() {
    for (size_t at = next_sign(0); at < text_.size(); at = next_sign(at)) {
      const char c = text_[at];
      if (c == '@') {
        if (!take(match_email(text_, at, floor_), at))
          take(match_spelled_email(text_, at, floor_), at);
      } else if (is_digit(c)) {
        at = read_number(at);
        continue;
      } else if (may_be_spelled(at)) {
        if (!take(match_spelled_phone(text_, at), at))
          take(match_spelled_email(text_, at, floor_), at);
      }
      at = std::max(at + 1, floor_);
    }
    return std::move(found_);
  }

 private:
  static ByteBlock is(const ByteBlock& bytes, uint8_t byte) {
    return reinterpret_cast<ByteBlock>(bytes == byte);
  }

  // The first character from `at` on that something may begin with or stand around.
  size_t next_sign(size_t at) const {
    for (; at + kBlockBytes < text_.size(); at += kBlockBytes) {
      const ByteBlock here = load_block(text_.data() + at);
      const ByteBlock next = load_block(text_.data() + at + 1);
      // As may_be_spelled() by the first two bytes: 공 and 골 are EA B3 .., 영 is EC 98 81.
      const auto spelled = ((is(here, 'O') | is(here, 'o')) & is(next, '1')) |
                           ((is(here, '(') | is(here, '[') | is(here, '{')) & is(next, 'a')) |
                           (is(here, 0xEA) & is(next, 0xB3)) | (is(here, 0xEC) & is(next, 0x98));
      const auto digit = reinterpret_cast<ByteBlock>(here - '0' <= 9);
      if (any_of(digit | is(here, '@') | spelled)) break;
    }
    while (at < text_.size() && !is_digit(text_[at]) && text_[at] != '@' && !may_be_spelled(at))
      ++at;
    return at;
  }

  bool wanted(PersonalKind kind) const { return options_.kinds[static_cast<size_t>(kind)]; }

  bool take(const std::optional<PersonalMatch>& match, size_t at) {
    if (!match || !wanted(match->kind) || match->confidence < options_.least) return false;
    if (match->begin < floor_ || match->end <= at) return false;
    found_.push_back(*match);
    floor_ = match->end;
    return true;
  }

  // Characters that begin what match_spelled_phone or match_spelled_email reads.
  bool may_be_spelled(size_t at) const {
    const std::string_view two = text_.substr(at, 2);
    return two == "O1" || two == "o1" || two == "(a" || two == "[a" || two == "{a" ||
           text_.substr(at, 3) == "공" || text_.substr(at, 3) == "영" ||
           text_.substr(at, 3) == "골";
  }

  // The digits at `at`: what they begin or belong to; gives where to go on.
  size_t read_number(size_t at) {
    if (at >= 3 && wanted(PersonalKind::kAddress)) {
      const bool hangul = static_cast<uint8_t>(text_[at - 1]) >= 0x80 ||
                          static_cast<uint8_t>(text_[at - 2]) >= 0x80;
      if (hangul && take(match_korean_address(text_, at, floor_), at)) return floor_;
      if (take(match_latin_address(text_, at), at)) return floor_;
    } else if (wanted(PersonalKind::kAddress) && take(match_latin_address(text_, at), at)) {
      return floor_;
    }
    size_t end = at;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    // Shorter and longer ones begin nothing.
    if (end - at <= 20) {
      const NumberRun run(text_, at);
      if ((run.count() > 1 || end - at >= 3) && take(match_number(text_, run, options_), at)) {
        open_bracket(at);
        return floor_;
      }
    }
    const bool mobile = text_.substr(at, 3) == "010" || text_.substr(at, 3) == "01O";
    if (mobile && end - at <= 3 && take(match_spelled_phone(text_, at), at)) return floor_;
    return end;
  }

  // "(02) 123-4567", "(+82)10-…": the bracket belongs to the number.
  void open_bracket(size_t at) {
    PersonalMatch& last = found_.back();
    const size_t before = found_.size() > 1 ? found_[found_.size() - 2].end : 0;
    const size_t begin = last.begin;
    if (begin + 1 >= at && begin > before && text_[begin - 1] == '(' &&
        text_.substr(at, last.end - at).find(')') != text_.npos)
      --last.begin;
  }

  std::string_view text_;
  const PersonalOptions& options_;
  std::vector<PersonalMatch> found_;
  size_t floor_ = 0;  // behind the last match
};

}  // namespace

std::string_view personal_kind_name(PersonalKind kind) {
  return kNames[static_cast<size_t>(kind)].name;
}

std::string_view personal_mask(PersonalKind kind, MaskStyle style) {
  const KindNames& names = kNames[static_cast<size_t>(kind)];
  return style == MaskStyle::kKoreanTag    ? names.korean
         : style == MaskStyle::kEnglishTag ? names.english
                                           : std::string_view("*");
}

std::vector<PersonalSpan> find_personal_data(std::string_view text,
                                             const PersonalOptions& options) {
  const PlainText plain(text);
  std::vector<PersonalSpan> found = PersonalScan(plain.view(), options).run();
  for (PersonalSpan& span : found) {
    const size_t begin = plain.source_begin(span.begin);
    span.end = plain.source_end(span.end);
    span.begin = begin;
  }
  return found;
}

std::string mask_personal_data(std::string_view text, const std::vector<PersonalSpan>& spans,
                               MaskStyle style) {
  std::string masked;
  masked.reserve(text.size());
  size_t copied = 0;
  for (const PersonalSpan& span : spans) {
    masked.append(text.substr(copied, span.begin - copied));
    if (style == MaskStyle::kStars)
      masked.append(span.end - span.begin, '*');
    else
      masked.append(personal_mask(span.kind, style));
    copied = span.end;
  }
  masked.append(text.substr(copied));
  return masked;
}

}  // namespace onmal

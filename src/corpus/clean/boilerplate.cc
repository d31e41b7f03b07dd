#include "corpus/clean/boilerplate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "text/utf8.h"

namespace onmal {
namespace {

struct Phrase {
  std::string_view text;  // lower case
  QualityRule rule;
  size_t longest;  // characters of a line that this alone makes boilerplate
};

constexpr auto kCookie = QualityRule::kCookieLine;
constexpr auto kSubscribe = QualityRule::kSubscribeLine;
constexpr auto kCopyright = QualityRule::kCopyrightLine;
constexpr auto kByline = QualityRule::kBylineLine;

constexpr auto kPhrases = std::to_array<Phrase>({
    {"사이트는 쿠키를", kCookie, 160},
    {"웹사이트는 쿠키를", kCookie, 160},
    {"쿠키 사용에 동의", kCookie, 160},
    {"쿠키 설정 관리", kCookie, 40},
    {"모든 쿠키 허용", kCookie, 60},
    {"모두 동의하고 계속", kCookie, 60},
    {"this site uses cookies", kCookie, 240},
    {"this website uses cookies", kCookie, 240},
    {"we use cookies", kCookie, 240},
    {"our use of cookies", kCookie, 240},
    {"accept all cookies", kCookie, 120},
    {"cookie policy", kCookie, 50},
    {"cookie settings", kCookie, 40},
    {"뉴스레터 구독", kSubscribe, 60},
    {"구독하기", kSubscribe, 30},
    {"구독과 좋아요", kSubscribe, 80},
    {"알림 설정 부탁", kSubscribe, 80},
    {"카카오톡으로 공유", kSubscribe, 50},
    {"카카오톡 공유", kSubscribe, 50},
    {"페이스북 공유", kSubscribe, 50},
    {"페이스북으로 공유", kSubscribe, 50},
    {"트위터 공유", kSubscribe, 50},
    {"트위터로 공유", kSubscribe, 50},
    {"카카오스토리", kSubscribe, 40},
    {"url 복사", kSubscribe, 40},
    {"글자크기", kSubscribe, 40},
    {"기사 스크랩", kSubscribe, 40},
    {"이 기사를 공유", kSubscribe, 50},
    {"로그인 후 이용", kSubscribe, 50},
    {"로그인이 필요한 서비스", kSubscribe, 50},
    {"댓글을 남겨주세요", kSubscribe, 40},
    {"앱에서 열기", kSubscribe, 30},
    {"채널 추가하고", kSubscribe, 80},
    {"네이버에서 구독", kSubscribe, 80},
    {"subscribe to our", kSubscribe, 120},
    {"sign up for our newsletter", kSubscribe, 160},
    {"join our newsletter", kSubscribe, 120},
    {"enter your email address", kSubscribe, 100},
    {"follow us on", kSubscribe, 80},
    {"share this article", kSubscribe, 60},
    {"share on facebook", kSubscribe, 60},
    {"share on twitter", kSubscribe, 60},
    {"tweet this", kSubscribe, 30},
    {"leave a comment", kSubscribe, 40},
    {"skip to main content", kSubscribe, 40},
    {"skip to content", kSubscribe, 40},
    {"click here to subscribe", kSubscribe, 100},
    {"continue reading below", kSubscribe, 60},
    {"story continues below", kSubscribe, 60},
    {"무단 전재", kCopyright, 100},
    {"무단전재", kCopyright, 100},
    {"무단 복제 및", kCopyright, 80},
    {"재배포 금지", kCopyright, 100},
    {"재배포금지", kCopyright, 100},
    {"저작권자 ⓒ", kCopyright, 100},
    {"저작권자ⓒ", kCopyright, 100},
    {"저작권자 ©", kCopyright, 100},
    {"저작권자(c)", kCopyright, 100},
    {"저작권자 (c)", kCopyright, 100},
    {"all rights reserved", kCopyright, 160},
    {"all right reserved", kCopyright, 160},
    {"copyright ©", kCopyright, 120},
    {"copyright (c)", kCopyright, 120},
    {"copyright ⓒ", kCopyright, 120},
    {"copyrights ⓒ", kCopyright, 120},
    {"© 200", kCopyright, 80},
    {"© 201", kCopyright, 80},
    {"© 202", kCopyright, 80},
    {"© 199", kCopyright, 80},
    {"terms of service | ", kCopyright, 120},
    {"기사제보 및", kByline, 80},
    {"기사 제보", kByline, 50},
    {"사진=게티", kByline, 40},
    {"사진=연합", kByline, 40},
    {"사진 제공=", kByline, 40},
    {"사진제공=", kByline, 40},
    {"/사진=", kByline, 50},
    {"(서울=연합뉴스)", kByline, 40},
    {"photo by ", kByline, 60},
    {"photo credit:", kByline, 60},
    {"getty images", kByline, 60},
});

constexpr size_t kLongestLine =
    std::max_element(kPhrases.begin(), kPhrases.end(), [](const Phrase& a, const Phrase& b) {
      return a.longest < b.longest;
    })->longest;
static_assert(kLongestLine >= 120, "bylines and navigation are as long as that");

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view strip(std::string_view line) {
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  return line;
}

constexpr size_t kPrefix = 6;  // bytes; no phrase has fewer

// Eight bytes can be read.
uint32_t prefix_hash(const char* bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes, 8);
  if constexpr (std::endian::native == std::endian::little)
    value <<= 64 - 8 * kPrefix;
  else
    value >>= 64 - 8 * kPrefix;
  return static_cast<uint32_t>((value * 0x9E3779B97F4A7C15ULL) >> 50);
}

bool ends_sentence(std::string_view line) {
  const char last = line.back();
  return last == '.' || last == '?' || last == '!';
}

// "[서울=뉴시스] 홍길동 기자 =", "홍길동 기자 hong@example.com", "홍길동 기자"; "By John Smith".
bool is_byline(std::string_view line, size_t characters) {
  if (characters > 60 || ends_sentence(line)) return false;
  const size_t reporter = line.find(" 기자");
  if (reporter != line.npos) {
    const std::string_view rest = strip(line.substr(reporter + 7));
    const auto blanks =
        std::count(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(reporter), ' ');
    return (blanks <= 1 && reporter <= 40 && (rest.empty() || rest == "=")) ||
           (line.find('@') != line.npos && characters <= 50);
  }
  if (!line.starts_with("By ") || characters > 40) return false;
  // By, then two to four words with capitals.
  size_t words = 0;
  for (size_t at = 3; at < line.size();) {
    if (line[at] < 'A' || line[at] > 'Z') return false;
    ++words;
    const size_t space = line.find(' ', at);
    if (space == line.npos) break;
    at = space + 1;
  }
  return words >= 2 && words <= 4;
}

enum class SignKind : uint8_t { kNone, kSeparator, kForbidden };
// Bytes that separators begin with, and signs that speak for tables, code and formulas.
constexpr std::array<SignKind, 256> navigation_signs() {
  std::array<SignKind, 256> kinds = {};
  for (const char c : {'`', '*', '#', '\\', '\'', '"', '{', '}', '$', '=', '_', '<', '[', '+'})
    kinds[static_cast<uint8_t>(c)] = SignKind::kForbidden;
  for (const unsigned byte : {0x7CU, 0x3EU, 0xE2U, 0xC2U, 0xE3U})  // | > › » · ㅣ
    kinds[byte] = SignKind::kSeparator;
  return kinds;
}
constexpr std::array<SignKind, 256> kNavigationSigns = navigation_signs();

// Short labels with separators between them.
bool is_navigation(std::string_view line, size_t characters) {
  if (characters > 120 || ends_sentence(line) || line.front() == '|' || line.back() == '|' ||
      line.front() == '>')
    return false;
  bool separated = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const SignKind kind = kNavigationSigns[static_cast<uint8_t>(line[i])];
    if (kind == SignKind::kForbidden || (line[i] == '-' && i > 0 && line[i - 1] == '-'))
      return false;
    separated = separated || kind == SignKind::kSeparator;
  }
  if (!separated) return false;
  static constexpr auto kSeparators =
      std::to_array<std::string_view>({" | ", " > ", " › ", " » ", "|", " · ", " ㅣ "});
  for (const std::string_view separator : kSeparators) {
    size_t labels = 1;
    size_t longest = 0;
    size_t at = 0;
    for (;;) {
      const size_t next = line.find(separator, at);
      const std::string_view label = line.substr(at, next == line.npos ? line.npos : next - at);
      longest = std::max(longest, count_characters(label));
      if (next == line.npos) break;
      ++labels;
      at = next + separator.size();
    }
    const size_t least = separator == "|" ? 4 : separator == " · " ? 5 : 3;
    if (labels >= least && longest <= 16) return true;
  }
  return false;
}

}  // namespace

Boilerplate::Boilerplate() : prefixes_(256) {
  for (const Phrase& phrase : kPhrases) {
    std::array<char, 8> prefix = {};
    std::copy_n(phrase.text.begin(), kPrefix, prefix.begin());
    const uint32_t hash = prefix_hash(prefix.data());
    prefixes_[hash / 64] |= uint64_t{1} << (hash % 64);
  }
}

std::optional<QualityRule> Boilerplate::of_phrase(std::string_view lower, size_t characters) const {
  for (size_t i = 0; i + kPrefix <= lower.size(); ++i) {
    const uint32_t hash = prefix_hash(lower.data() + i);
    if (((prefixes_[hash / 64] >> (hash % 64)) & 1U) == 0) continue;
    for (const Phrase& phrase : kPhrases)
      if (phrase.text[0] == lower[i] && characters <= phrase.longest &&
          lower.substr(i).starts_with(phrase.text))
        return phrase.rule;
  }
  return {};
}

std::optional<QualityRule> Boilerplate::of_line(std::string_view whole) const {
  if (whole.size() > 400) return {};
  const std::string_view line = strip(whole);
  if (line.size() < 4) return {};
  const size_t characters = count_characters(line);
  if (characters > kLongestLine) return {};
  std::array<char, 408> buffer;
  std::transform(line.begin(), line.end(), buffer.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::string_view lower(buffer.data(), line.size());
  std::fill_n(buffer.begin() + static_cast<std::ptrdiff_t>(line.size()), 8, '\0');
  if (const auto rule = of_phrase(lower, characters)) return rule;
  if (is_byline(line, characters)) return kByline;
  if (is_navigation(line, characters)) return QualityRule::kNavigationLine;
  return {};
}

}  // namespace onmal

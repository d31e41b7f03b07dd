#include "evasion_rules.h"

#include <array>
#include <functional>

#include "text/hangul.h"
#include "text/hangul_keyboard.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

using Codes = std::u32string;

Codes read(const std::string& word) {
  Codes codes;
  for (size_t i = 0; i < word.size();) {
    const Utf8Char c = read_utf8(word, i);
    codes += static_cast<char32_t>(c.code);
    i += c.length;
  }
  return codes;
}

std::string write(const Codes& codes) {
  std::string word;
  for (const char32_t code : codes) append_utf8(code, word);
  return word;
}

constexpr std::u32string_view kInitials = U"ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
constexpr std::u32string_view kVowels = U"ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ";
constexpr std::u32string_view kFinals = U" ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
constexpr std::u32string_view kHalfInitials = U"ﾡﾢﾤﾧﾨﾩﾱﾲﾳﾵﾶﾷﾸﾹﾺﾻﾼﾽﾾ";

struct Parts {
  size_t initial, vowel, final_part;
};
Parts take_apart(char32_t code) {
  const size_t n = code - 0xAC00;
  return {n / 588, n / 28 % 21, n % 28};
}
char32_t put_together(Parts p) {
  return static_cast<char32_t>(0xAC00 + (p.initial * 21 + p.vowel) * 28 + p.final_part);
}

// Between two letters, at a place that the dice choose.
std::string wedge(const std::string& word, Rng& rng, const Codes& what) {
  Codes codes = read(word);
  if (codes.size() < 2) return word;
  codes.insert(1 + rng.below(codes.size() - 1), what);
  return write(codes);
}
std::string wedge_all(const std::string& word, const Codes& what) {
  Codes out;
  for (const char32_t code : read(word)) {
    if (!out.empty()) out += what;
    out += code;
  }
  return write(out);
}
template <size_t N>
std::string wedge_one_of(const std::string& word, Rng& rng,
                         const std::array<std::u32string_view, N>& what) {
  return wedge(word, rng, Codes(what[rng.below(N)]));
}

// Changes one syllable that can be changed, by `change`; true where it did.
std::string change_one(const std::string& word, Rng& rng,
                       const std::function<bool(Parts&)>& change) {
  Codes codes = read(word);
  const size_t start = codes.empty() ? 0 : rng.below(codes.size());
  for (size_t k = 0; k < codes.size(); ++k) {
    char32_t& code = codes[(start + k) % codes.size()];
    if (!is_hangul_syllable(code)) continue;
    Parts parts = take_apart(code);
    if (!change(parts)) continue;
    code = put_together(parts);
    break;
  }
  return write(codes);
}

// One syllable as jamo of a block.
std::string spell(const std::string& word, const std::function<bool(size_t, size_t)>& which,
                  std::u32string_view initials = kInitials) {
  const Codes codes = read(word);
  Codes out;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (!is_hangul_syllable(codes[i]) || !which(i, codes.size())) {
      out += codes[i];
      continue;
    }
    const Parts p = take_apart(codes[i]);
    out += initials[p.initial];
    out += kVowels[p.vowel];
    if (p.final_part > 0) out += kFinals[p.final_part];
  }
  return write(out);
}

std::string initials_of(const std::string& word, const std::function<bool(size_t, size_t)>& which) {
  Codes codes = read(word);
  for (size_t i = 0; i < codes.size(); ++i) {
    if (is_hangul_syllable(codes[i]) && which(i, codes.size()))
      codes[i] = kInitials[take_apart(codes[i]).initial];
  }
  return write(codes);
}

std::string replace_one(const std::string& word, Rng& rng, std::u32string_view from,
                        std::u32string_view to) {
  Codes codes = read(word);
  const size_t start = codes.empty() ? 0 : rng.below(codes.size());
  for (size_t k = 0; k < codes.size(); ++k) {
    char32_t& code = codes[(start + k) % codes.size()];
    const size_t at = from.find(code);
    if (at == std::u32string_view::npos) continue;
    code = to[at];
    break;
  }
  return write(codes);
}

std::string swap_vowel(const std::string& word, Rng& rng, std::u32string_view from,
                       std::u32string_view to) {
  return change_one(word, rng, [&](Parts& p) {
    const size_t at = from.find(kVowels[p.vowel]);
    if (at == std::u32string_view::npos) return false;
    p.vowel = kVowels.find(to[at]);
    return true;
  });
}
std::string swap_initial(const std::string& word, Rng& rng, std::u32string_view from,
                         std::u32string_view to) {
  return change_one(word, rng, [&](Parts& p) {
    const size_t at = from.find(kInitials[p.initial]);
    if (at == std::u32string_view::npos) return false;
    p.initial = kInitials.find(to[at]);
    return true;
  });
}

// 씨발 → 씹알: a consonant goes to the syllable before.
std::string carry_back(const std::string& word, Rng&) {
  Codes codes = read(word);
  for (size_t i = 0; i + 1 < codes.size(); ++i) {
    if (!is_hangul_syllable(codes[i]) || !is_hangul_syllable(codes[i + 1])) continue;
    Parts a = take_apart(codes[i]);
    Parts b = take_apart(codes[i + 1]);
    const size_t final_part = kFinals.find(kInitials[b.initial]);
    if (a.final_part != 0 || b.initial == kInitials.find(U'ㅇ') ||
        final_part == std::u32string_view::npos)
      continue;
    a.final_part = final_part;
    b.initial = kInitials.find(U'ㅇ');
    codes[i] = put_together(a);
    codes[i + 1] = put_together(b);
    break;
  }
  return write(codes);
}

// 시발 → 시이이발: the vowel drawn out.
std::string draw_out(const std::string& word, Rng& rng) {
  Codes codes = read(word);
  for (size_t i = 0; i < codes.size(); ++i) {
    if (!is_hangul_syllable(codes[i])) continue;
    const Parts p = take_apart(codes[i]);
    if (p.final_part != 0) continue;
    codes.insert(i + 1, Codes(1 + rng.below(3), put_together({kInitials.find(U'ㅇ'), p.vowel, 0})));
    break;
  }
  return write(codes);
}

std::string double_one(const std::string& word, Rng& rng) {
  Codes codes = read(word);
  if (codes.empty()) return word;
  const size_t at = rng.below(codes.size());
  codes.insert(at, Codes(1 + rng.below(3), codes[at]));
  return write(codes);
}

// 시발 → 싶발, 십발: the next consonant is heard already.
std::string close_early(const std::string& word, Rng&) {
  Codes codes = read(word);
  for (size_t i = 0; i + 1 < codes.size(); ++i) {
    if (!is_hangul_syllable(codes[i]) || !is_hangul_syllable(codes[i + 1])) continue;
    Parts p = take_apart(codes[i]);
    const size_t final_part = kFinals.find(kInitials[take_apart(codes[i + 1]).initial]);
    if (p.final_part != 0 || final_part == std::u32string_view::npos) continue;
    p.final_part = final_part;
    codes[i] = put_together(p);
    break;
  }
  return write(codes);
}

std::string decompose(const std::string& word, Rng&) {
  return normalize_unicode(word, NormalForm::kNfd);
}

std::string keyboard(const std::string& word, Rng&) { return hangul_keys(std::string_view(word)); }

std::string add_marks(const std::string& word, Rng& rng) {
  Codes out;
  for (const char32_t code : read(word)) {
    out += code;
    for (uint64_t n = rng.below(3); n > 0; --n)
      out += static_cast<char32_t>(0x300 + rng.below(0x30));
  }
  return write(out);
}

std::string shift_letters(const std::string& word, char32_t lower) {
  Codes codes = read(word);
  for (char32_t& code : codes)
    if (code >= 'a' && code <= 'z') code = lower + (code - 'a');
  return write(codes);
}

std::string brackets(const std::string& word, Rng& rng) {
  Codes codes = read(word);
  if (codes.empty()) return word;
  const size_t at = rng.below(codes.size());
  codes.insert(at + 1, 1, U')');
  codes.insert(at, 1, U'(');
  return write(codes);
}

std::string accents(const std::string& word, Rng& rng) {
  return replace_one(word, rng, U"aeiounc", U"àéîöüñç");
}

std::string enclose(const std::string& word, Rng& rng) {
  return replace_one(word, rng, U"가나다라마바사아자차카타파하", U"㉮㉯㉰㉱㉲㉳㉴㉵㉶㉷㉸㉹㉺㉻");
}

std::string digit_sound(const std::string& word, Rng& rng) {
  return replace_one(word, rng, U"이삼사오육칠팔구십영일", U"23456789十01");
}

std::string alternate_case(const std::string& word, Rng&) {
  Codes codes = read(word);
  for (size_t i = 0; i < codes.size(); i += 2)
    if (codes[i] >= 'a' && codes[i] <= 'z') codes[i] -= 32;
  return write(codes);
}

constexpr auto kFirst = [](size_t i, size_t) { return i == 0; };
constexpr auto kLast = [](size_t i, size_t n) { return i + 1 == n; };
constexpr auto kEvery = [](size_t, size_t) { return true; };

#define RULE [](const std::string& w, [[maybe_unused]] Rng& r) -> std::string

const EvasionRule kRules[] = {{"space between letters", true, true, RULE{return wedge_all(w, U" ");
}  // namespace
}  // namespace onmal
, {"one space", true, false, RULE{return wedge(w, r, U" ");
}
}
, {"dots", true, true, RULE{return wedge_all(w, U".");
}
}
, {"one dot", true, true, RULE{return wedge(w, r, U".");
}
}
, {"hyphens", true, true, RULE{return wedge_all(w, U"-");
}
}
, {"underscores", true, true, RULE{return wedge_all(w, U"_");
}
}
, {"stars", true, false, RULE{return wedge(w, r, U"*");
}
}
, {"tilde", true, false, RULE{return wedge(w, r, U"~");
}
}
, {"marks", true, true, RULE{return wedge_one_of<4>(w, r, {U"!", U"@", U"#", U"^^"});
}
}
, {"several marks", true, false, RULE{return wedge_one_of<3>(w, r, {U"!!!", U"...", U"@#"});
}
}
, {"digit", true, false, RULE{return wedge_one_of<4>(w, r, {U"1", U"2", U"9", U"18"});
}
}
, {"Latin letter", true, false, RULE{return wedge_one_of<4>(w, r, {U"a", U"x", U"Z", U"q"});
}
}
, {"laughter", true, false, RULE{return wedge_one_of<4>(w, r, {U"ㅋ", U"ㅋㅋ", U"ㅎ", U"ㅠㅠ"});
}
}
, {"emoji", true, true, RULE{return wedge_one_of<3>(w, r, {U"😀", U"❤", U"🔥"});
}
}
, {"zero-width space", true, true, RULE{return wedge_all(w, U"\u200B");
}
}
, {"zero-width joiner", true, true, RULE{return wedge(w, r, U"\u200D");
}
}
, {"soft hyphen", true, true, RULE{return wedge(w, r, U"\u00AD");
}
}
, {"direction mark", true, true, RULE{return wedge(w, r, U"\u202E\u202C");
}
}
, {"variation selector", true, true, RULE{return wedge(w, r, U"\uFE0F");
}
}
, {"Hangul filler", true, false, RULE{return wedge(w, r, U"\u3164");
}
}
, {"wide space", true, false, RULE{return wedge_all(w, U"\u3000");
}
}
, {"line break", true, false, RULE{return wedge_all(w, U"\n");
}
}
, {"brackets", true, false, brackets}, {"combining marks", true, true, add_marks},
    {"jamo", true, false, RULE{return spell(w, kEvery);
}
}
, {"jamo in the first syllable", true, false, RULE{return spell(w, kFirst);
}
}
, {"jamo in the last syllable", true, false, RULE{return spell(w, kLast);
}
}
, {"half-width jamo", true, false, RULE{return spell(w, kEvery, kHalfInitials);
}
}
, {"decomposed", true, false, decompose},
    {"initials", true, false, RULE{return initials_of(w, kEvery);
}
}
, {"initial first", true, false, RULE{return initials_of(w, kFirst);
}
}
, {"initial last", true, false, RULE{return initials_of(w, kLast);
}
}
, {"tense", true, false, RULE{return swap_initial(w, r, U"ㄱㄷㅂㅅㅈ", U"ㄲㄸㅃㅆㅉ");
}
}
, {"plain for tense", true, false, RULE{return swap_initial(w, r, U"ㄲㄸㅃㅆㅉ", U"ㄱㄷㅂㅅㅈ");
}
}
, {"aspirated", true, false, RULE{return swap_initial(w, r, U"ㄱㄷㅂㅈ", U"ㅋㅌㅍㅊ");
}
}
, {"y-vowel", true, false, RULE{return swap_vowel(w, r, U"ㅏㅓㅗㅜ", U"ㅑㅕㅛㅠ");
}
}
, {"like vowel", true, false, RULE{return swap_vowel(w, r, U"ㅐㅔㅚㅙㅣ", U"ㅔㅐㅙㅚㅢ");
}
}
, {"rounded vowel", true, false, RULE{return swap_vowel(w, r, U"ㅣㅏㅐㅔ", U"ㅟㅘㅙㅞ");
}
}
, {"consonant carried back", true, false, carry_back}, {"closed early", true, false, close_early},
    {"vowel drawn out", true, false, draw_out}, {"letter repeated", true, true, double_one},
    {"drawn syllable", true, false,
     RULE{return replace_one(w, r, U"대명귀유멍광왕면피", U"머띵커윾댕팡앟띤끠");
}
}
, {"drawn vowel", true, false, RULE{std::string s = spell(w, kFirst);
const size_t at = s.find("ㅣ");
if (at == std::string::npos) return w;
s.erase(at, 3);
s.insert(at, 1, r.below(2) == 0 ? 'l' : '1');
return s;
}
}
, {"Hanja", true, false,
   RULE{return replace_one(w, r, U"신시미년녀사자지구", U"神時美年女死子地狗");
}
}
, {"enclosed syllable", true, false, enclose}, {"digit by its sound", true, false, digit_sound},
    {"typed on a Latin keyboard", true, false, keyboard},
    {"behind an interjection", true, false, RULE{return std::string("아").append(w);
}
}
, {"with a particle", true, false,
   RULE{return std::string(w).append(r.below(2) == 0 ? "들아" : "이다");
}
}
, {"full-width letters", false, true, RULE{return shift_letters(w, 0xFF41);
}
}
, {"mathematical letters", false, true, RULE{return shift_letters(w, 0x1D41A);
}
}
, {"circled letters", false, true, RULE{return shift_letters(w, 0x24D0);
}
}
, {"alternate case", false, true, alternate_case},
    {"Cyrillic letters", false, true, RULE{return replace_one(w, r, U"aeopcyxi", U"аеорсухі");
}
}
, {"digits for letters", false, true, RULE{return replace_one(w, r, U"aeiost", U"431057");
}
}
, {"signs for letters", false, true, RULE{return replace_one(w, r, U"asi", U"@$!");
}
}
, {"accents", false, true, accents},
}
;

#undef RULE

}  // namespace

std::span<const EvasionRule> evasion_rules() { return kRules; }

}  // namespace onmal

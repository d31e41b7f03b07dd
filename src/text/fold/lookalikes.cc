#include <algorithm>
#include <array>
#include <string_view>

#include "text/fold/jamo.h"
#include "text/fold/steps.h"
#include "text/unicode.h"

namespace onmal {
namespace {

struct Alike {
  char32_t from, to;
};

char32_t find_alike(const auto& table, char32_t code) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Alike& alike) { return alike.from == code; });
  return found == table.end() ? 0 : found->to;
}

// Cyrillic and Greek letters drawn like Latin ones (after Unicode's confusables, by eye).
constexpr std::u32string_view kForeign = U"аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅαορνικτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ";
constexpr std::u32string_view kForeignLatin =
    U"aeopcyxijshdqwABEKMHOPCTYXIJSaopvikTuxABEZHIKMNOPTYX";
static_assert(kForeign.size() == kForeignLatin.size());

// What stands for a jamo beside jamo or open syllables.
constexpr std::array<Alike, 24> kDrawnJamo = {
    {{U'l', U'ㅣ'},  {U'I', U'ㅣ'},  {U'|', U'ㅣ'},  {U'1', U'ㅣ'},  {U'!', U'ㅣ'},
     {U'o', U'ㅇ'},  {U'O', U'ㅇ'},  {U'0', U'ㅇ'},  {U'7', U'ㄱ'},  {U'L', U'ㄴ'},
     {U'T', U'ㅜ'},  {U'H', U'ㅐ'},  {U'^', U'ㅅ'},  {U'人', U'ㅅ'}, {U'入', U'ㅅ'},
     {U'己', U'ㄹ'}, {U'口', U'ㅁ'}, {U'工', U'ㅗ'}, {U'丨', U'ㅣ'}, {U'卜', U'ㅏ'},
     {U'ト', U'ㅏ'}, {U'ス', U'ㅈ'}, {U'ㅡ', U'ㅡ'}, {U'一', U'ㅡ'}}};

// 야민정음: syllables that are drawn alike are one.
constexpr std::array<Alike, 11> kDrawnSyllables = {{{U'댕', U'멍'},
                                                    {U'머', U'대'},
                                                    {U'커', U'귀'},
                                                    {U'띵', U'명'},
                                                    {U'윾', U'유'},
                                                    {U'앟', U'왕'},
                                                    {U'팡', U'광'},
                                                    {U'넴', U'빔'},
                                                    {U'띤', U'면'},
                                                    {U'푸', U'쭈'},
                                                    {U'끠', U'피'}}};

// Frequent Hanja with the reading they have in most words (initial ㄹ and ㄴ by the rule for
// beginnings left out).
constexpr std::u32string_view kHanja =
    U"一二三四五六七八九十百千萬上下左右中大小多少高低長短新舊老少男女子父母兄弟姉妹夫婦人民國家王"
    U"軍兵士"
    U"天地山水火木金土石江海川田日月星年春夏秋冬東西南北內外前後古今時分半方行來去入出立坐見聞言語"
    U"文字"
    U"書學校生死病身心手足目口耳鼻頭面血肉犬狗牛馬羊鳥魚蟲花草食飮酒茶衣車船道路門力勇强弱善惡愛情"
    U"性"
    U"名姓神鬼佛敎會社公私工商農業市場金銀錢物品事件法正不無有非是同異白黑赤靑黃色光明暗美醜主客親"
    U"友敵"
    U"戰爭殺傷平和安全自由然作用動靜開閉始終發展反對韓朝鮮漢中美英日本露獨佛狂亂盜賊奴婢賤貴富貧氣"
    U"電雷雨雪風雲";
constexpr std::u32string_view kHanjaReadings =
    U"일이삼사오육칠팔구십백천만상하좌우중대소다소고저장단신구노소남녀자부모형제자매부부인민국가왕"
    U"군병사"
    U"천지산수화목금토석강해천전일월성년춘하추동동서남북내외전후고금시분반방행래거입출립좌견문언어"
    U"문자"
    U"서학교생사병신심수족목구이비두면혈육견구우마양조어충화초식음주차의차선도로문력용강약선악애정"
    U"성"
    U"명성신귀불교회사공사공상농업시장금은전물품사건법정불무유비시동이백흑적청황색광명암미추주객친"
    U"우적"
    U"전쟁살상평화안전자유연작용동정개폐시종발전반대한조선한중미영일본로독불광란도적노비천귀부빈기"
    U"전뢰우설풍운";
static_assert(kHanja.size() == kHanjaReadings.size());

char32_t hanja_reading(char32_t code) {
  if (code < 0x4E00 || code > 0x9FFF) return 0;
  const size_t found = kHanja.find(code);
  return found == std::u32string_view::npos ? 0 : kHanjaReadings[found];
}

bool is_korean_like(char32_t code) {
  return is_hangul_syllable(code) || is_compatibility_jamo(code);
}

// True where a drawn jamo may stand: it completes jamo beside it (ㅅl), or an open place behind
// them.
bool beside_jamo(const MappedText& text, size_t i) {
  const bool left = i > 0 && is_compatibility_jamo(text[i - 1]);
  const bool right = i + 1 < text.size() && is_compatibility_jamo(text[i + 1]);
  return left || right;
}

bool beside_korean(const MappedText& text, size_t i) {
  return (i > 0 && is_korean_like(text[i - 1])) ||
         (i + 1 < text.size() && is_korean_like(text[i + 1]));
}

}  // namespace

MappedText fold_lookalikes(const MappedText& text) {
  MappedText out;
  for (size_t i = 0; i < text.size(); ++i) {
    char32_t code = text[i];
    const char32_t drawn = find_alike(kDrawnJamo, code);
    // What was drawn before counts as jamo for what comes: ^l발.
    const bool after_drawn = !out.empty() && is_compatibility_jamo(out[out.size() - 1]);
    const bool before_drawn =
        code == U'^' && i + 1 < text.size() && find_alike(kDrawnJamo, text[i + 1]) != 0;
    if (drawn != 0 && (beside_jamo(text, i) || after_drawn || before_drawn)) {
      out.add(drawn, text.source(i));
      continue;
    }
    const size_t foreign = kForeign.find(code);
    if (foreign != std::u32string_view::npos) code = kForeignLatin[foreign];
    if (const char32_t syllable = find_alike(kDrawnSyllables, code); syllable != 0) code = syllable;
    if (const char32_t reading = hanja_reading(code); reading != 0 && beside_korean(text, i))
      code = reading;
    out.add(code, text.source(i));
  }
  return out;
}

}  // namespace onmal

#include "answer/claims/wording.h"

#include <algorithm>
#include <array>
#include <span>

#include "answer/claims/number_words.h"
#include "answer/phrases.h"
#include "base/ascii.h"
#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// A run of letters, digits and apostrophes.
struct Token {
  size_t begin, end;
  std::string low;
  std::string_view in(std::string_view text) const { return text.substr(begin, end - begin); }
};

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  size_t begin = std::string_view::npos;
  const auto close = [&](size_t end) {
    if (begin == std::string_view::npos) return;
    tokens.push_back({begin, end, lowercase(text.substr(begin, end - begin))});
    begin = std::string_view::npos;
  };
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    const bool inside =
        c.valid && (is_word_character(c.code) || c.code == '\'' || c.code == 0x2019);
    if (!inside) close(at);
    if (inside && begin == std::string_view::npos) begin = at;
    at += c.length;
  }
  close(text.size());
  return tokens;
}

bool is_korean(std::string_view text) { return count_hangul_syllables(text) > 0; }

constexpr std::array<std::string_view, 10> kOpenDenials = {
    "뿐만 아니라", "뿐 아니라", "만이 아니라",   "없이",         "지 않을 수 없",
    "not only",    "without",   "no later than", "no more than", "not until"};
constexpr std::array<std::string_view, 9> kEnglishDenials = {
    "not", "no", "never", "cannot", "neither", "nor", "none", "nothing", "nobody"};

// 않다, 못하다, 없다, 아니다 wherever they stand in a word, 안 and 못 as words by themselves.
bool is_korean_denial(const std::vector<Token>& tokens, size_t i) {
  constexpr std::array<std::string_view, 8> kBeginnings = {"못하", "못한", "못했", "못합",
                                                           "아니", "아닌", "아닙", "아닐"};
  const std::string& word = tokens[i].low;
  if (word == "안" || word == "못") return i + 1 < tokens.size();
  return contains(word, "않") || contains(word, "없") || starts_with_any(word, kBeginnings);
}

bool is_english_denial(const std::string& word) {
  return is_any(word, kEnglishDenials) || word.ends_with("n't") || word.ends_with("n’t");
}

struct OppositeGroup {
  std::string_view one, other;  // words parted by spaces: Korean ones are beginnings
};
constexpr std::array<OppositeGroup, 40> kOpposites = {{
    {"늘어 늘었 늘린 늘렸 증가 상승 올랐 오른 올라 확대 급증",
     "줄어 줄었 줄인 줄였 감소 하락 내렸 내린 떨어 축소 급감"},
    {"높은 높다 높아 높습 높았 높고", "낮은 낮다 낮아 낮습 낮았 낮고"},
    {"큰 크다 큽니 컸다 커서 크고", "작은 작다 작습 작았 작아 작고"},
    {"많은 많다 많습 많았 많고", "적은 적다 적습 적었 적고"},
    {"전에 전까지", "뒤에 후에 이후 뒤 후"},
    {"앞에 앞쪽", "뒤에 뒤쪽"},
    {"이겼 이긴 이기 승리 물리쳤", "졌다 졌습 진 패배 패했"},
    {"열고 열며 열었 연다 엽니 열린 열려 개장", "닫고 닫으 닫았 닫는 닫습 닫힌 닫혀 폐장"},
    {"시작", "끝났 끝난 끝나 종료"},
    {"유료", "무료"},
    {"찬성", "반대"},
    {"가능", "불가능 불가"},
    {"허용 허가", "금지 불허"},
    {"합법", "불법"},
    {"성공", "실패"},
    {"남성 남자", "여성 여자"},
    {"최대 최고", "최소 최저"},
    {"이상", "이하 미만"},
    {"이전", "이후"},
    {"수출", "수입"},
    {"흑자", "적자"},
    {"포함", "제외"},
    {"빠른 빠르 빨라", "느린 느리 느려"},
    {"긴 길다 깁니 길어", "짧은 짧다 짧습 짧아"},
    {"오전", "오후"},
    {"넓은 넓다 넓습", "좁은 좁다 좁습"},
    {"rise rises rose risen increase increases increased grew grow climbed",
     "fall falls fell fallen decrease decreases decreased shrank declined dropped"},
    {"higher high highest", "lower low lowest"},
    {"raise raises raised", "lower lowers lowered reduce reduces reduced"},
    {"larger large largest bigger big biggest", "smaller small smallest"},
    {"more maximum", "less fewer minimum"},
    {"before", "after"},
    {"male males man men boy boys", "female females woman women girl girls"},
    {"open opens opened", "close closes closed"},
    {"win wins won", "lose loses lost"},
    {"allow allows allowed permitted", "forbid forbids forbidden prohibited banned"},
    {"include includes included including", "exclude excludes excluded excluding except"},
    {"always", "never"},
    {"legal", "illegal"},
    {"import imports imported", "export exports exported"},
}};
constexpr std::array<OppositeGroup, 7> kMoreOpposites = {{
    {"north northern", "south southern"},
    {"east eastern", "west western"},
    {"first", "last"},
    {"above", "below"},
    {"profit profits", "loss losses"},
    {"hot hotter", "cold colder"},
    {"faster fast", "slower slow"},
}};

// The words of a text that stand on one side of a group.
std::vector<std::string> words_of_side(std::string_view side, const std::vector<Token>& tokens) {
  std::vector<std::string> found;
  for (const Token& token : tokens) {
    bool there = false;
    for (size_t begin = 0; begin < side.size() && !there;) {
      const size_t end = std::min(side.find(' ', begin), side.size());
      const std::string_view word = side.substr(begin, end - begin);
      // A lone syllable stands for a whole word: 뒤, not 뒤집다.
      const bool prefix = is_korean(word) && word.size() > 3;
      there = prefix ? token.low.starts_with(word) : token.low == word;
      begin = end + 1;
    }
    if (there) found.push_back(token.low);
  }
  return found;
}

std::optional<Opposites> opposites_in(std::span<const OppositeGroup> groups,
                                      const std::vector<Token>& claim,
                                      const std::vector<Token>& evidence) {
  for (const OppositeGroup& group : groups) {
    const auto mine_one = words_of_side(group.one, claim);
    const auto mine_other = words_of_side(group.other, claim);
    const auto their_one = words_of_side(group.one, evidence);
    const auto their_other = words_of_side(group.other, evidence);
    const size_t mine = mine_one.size() + mine_other.size();
    if (mine != their_one.size() + their_other.size() || mine_one.size() == their_one.size())
      continue;
    const bool more = mine_one.size() > their_one.size();
    return Opposites{more ? mine_one.back() : mine_other.back(),
                     more ? their_other.back() : their_one.back()};
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 14> kWeekdays = {
    "월요일", "화요일",  "수요일",    "목요일",   "금요일", "토요일",   "일요일",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
// Cities and countries are not exchanged: what is in 서울 is in 한국.
constexpr std::array<std::string_view, 38> kCities = {
    "서울", "부산",   "대구", "인천", "광주", "대전",   "울산", "세종",    "수원",   "경주",
    "전주", "안동",   "강릉", "춘천", "청주", "포항",   "창원", "여수",    "평양",   "개성",
    "도쿄", "오사카", "파리", "런던", "로마", "베를린", "뉴욕", "베이징",  "상하이", "워싱턴",
    "한성", "함흥",   "개경", "제주", "교토", "뮌헨",   "천안", "모스크바"};
constexpr std::array<std::string_view, 34> kCountries = {
    "한국",   "대한민국", "북한",   "중국",     "일본",     "미국",   "영국",
    "프랑스", "독일",     "러시아", "이탈리아", "스페인",   "인도",   "베트남",
    "태국",   "호주",     "캐나다", "멕시코",   "브라질",   "터키",   "튀르키예",
    "이집트", "그리스",   "스위스", "네덜란드", "스웨덴",   "폴란드", "몽골",
    "필리핀", "대만",     "벨기에", "덴마크",   "노르웨이", "핀란드"};
constexpr std::array<std::string_view, 48> kEnglishCountries = {
    "korea",    "china",       "japan",     "america",  "britain",  "england",   "scotland",
    "wales",    "ireland",     "france",    "germany",  "italy",    "spain",     "portugal",
    "russia",   "india",       "nepal",     "vietnam",  "thailand", "australia", "canada",
    "mexico",   "brazil",      "argentina", "chile",    "peru",     "turkey",    "egypt",
    "greece",   "switzerland", "austria",   "hungary",  "sweden",   "norway",    "finland",
    "denmark",  "poland",      "ukraine",   "mongolia", "taiwan",   "indonesia", "malaysia",
    "pakistan", "iran",        "iraq",      "israel",   "kenya",    "nigeria"};
constexpr std::array<std::string_view, 6> kContinents = {"europe",  "asia",       "africa",
                                                         "oceania", "antarctica", "eurasia"};
// Capitals that name no one and no place.
constexpr std::array<std::string_view, 16> kOtherCapitals = {
    "english", "korean", "french", "german",  "chinese",  "japanese",  "spanish", "russian",
    "latin",   "greek",  "arabic", "italian", "internet", "christmas", "easter",  "god"};

constexpr std::array<std::string_view, 30> kTitles = {
    "씨",   "대왕", "장군", "교수", "박사",   "대통령", "감독", "사장", "팀장", "의장",
    "작가", "가수", "배우", "선생", "담당자", "기자",   "황제", "과장", "부장", "대표",
    "화가", "시인", "학자", "의사", "장관",   "선수",   "이사", "회장", "대리", "의원"};
constexpr std::array<std::string_view, 30> kSurnames = {
    "김", "이", "박", "최", "정", "강", "조", "윤", "장", "임", "한", "오", "서", "신", "권",
    "황", "안", "송", "류", "홍", "전", "고", "문", "양", "손", "배", "백", "허", "유", "남"};
constexpr std::array<std::string_view, 12> kFeatures = {
    "강", "산", "역", "섬", "호수", "대학교", "은행", "전자", "병원", "공항", "해전", "왕"};
// Two-syllable words that end like a feature and are none.
constexpr std::array<std::string_view, 22> kNoFeatures = {
    "건강", "한강의", "생산", "계산", "예산", "재산", "자산", "출산", "해산", "등산", "지역",
    "구역", "무역",   "전역", "번역", "방역", "광역", "부산", "울산", "가산", "확산", "여왕"};
constexpr std::array<std::string_view, 28> kParticles = {
    "에서는", "에서", "에게", "으로", "까지",   "부터", "에는", "이다", "입니다", "이라",
    "에",     "은",   "는",   "이",   "가",     "을",   "를",   "의",   "로",     "와",
    "과",     "도",   "만",   "였다", "이었다", "이며", "이고", "보다"};

// The particle at a word's end, of those that leave something; "" for none.
std::string_view particle_of(std::string_view word) {
  std::string_view best;
  for (const std::string_view particle : kParticles) {
    if (word.size() > particle.size() && word.ends_with(particle) && particle.size() > best.size())
      best = particle;
  }
  return best;
}

// 은 and 는, 이 and 가 … are one: what differs is the sound before.
std::string_view same_particle(std::string_view particle) {
  if (particle == "는") return "은";
  if (particle == "가") return "이";
  if (particle == "를") return "을";
  if (particle == "로") return "으로";
  if (particle == "와") return "과";
  return particle;
}

// The beginning of a Korean word, so that 발견되었다 and 발견됐습니다 are one.
std::string word_head(std::string_view word) {
  return std::string(is_korean(word) ? word.substr(0, std::min<size_t>(word.size(), 6)) : word);
}

class NameFinder {
 public:
  explicit NameFinder(std::string_view text) : text_(text), tokens_(tokens_of(text)) {}

  std::vector<NamedThing> find() {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (is_korean(tokens_[i].low)) {
        korean(i);
      } else {
        english(i);
      }
    }
    return std::move(names_);
  }

 private:
  std::string next_head(size_t i) const {
    return i + 1 < tokens_.size() ? word_head(tokens_[i + 1].low) : std::string();
  }

  void add(NameKind kind, size_t i, std::string_view name, std::string role) {
    names_.push_back(
        {kind, std::string(name), std::move(role), {tokens_[i].begin, tokens_[i].end}});
  }

  void korean(size_t i) {
    const std::string_view word = tokens_[i].low;
    for (const std::string_view called : {"이라는", "라는"}) {
      if (!word.ends_with(called) || word.size() <= called.size()) continue;
      return add(NameKind::kCalled, i, word.substr(0, word.size() - called.size()), next_head(i));
    }
    const std::string_view particle = particle_of(word);
    const std::string_view stem = word.substr(0, word.size() - particle.size());
    const std::string role = std::string(same_particle(particle)) + " " + next_head(i);
    if (starts_with_any(word, kWeekdays)) return add(NameKind::kWeekday, i, word.substr(0, 9), "");
    for (const bool bare : {true, false}) {
      const std::string_view name = bare ? word : stem;
      const bool city = is_any(name, kCities);
      if (!city && !is_any(name, kCountries)) continue;
      const std::string place = city ? "city " : "country ";
      return add(NameKind::kPlace, i, name, place + (bare ? next_head(i) : role));
    }
    const bool person = word.size() == 9 && starts_with_any(word, kSurnames) &&
                        i + 1 < tokens_.size() && starts_with_any(tokens_[i + 1].low, kTitles);
    if (person) {
      const std::string_view title = tokens_[i + 1].low;
      return add(NameKind::kPerson, i, word, std::string(same_particle(particle_of(title))));
    }
    if (particle.empty() || is_any(stem, kNoFeatures)) return;
    for (const std::string_view feature : kFeatures) {
      if (stem.size() < feature.size() + 3 || !stem.ends_with(feature)) continue;
      return add(NameKind::kFeature, i, stem, std::string(feature) + role);
    }
  }

  void english(size_t i) {
    const Token& token = tokens_[i];
    const char first = text_[token.begin];
    const bool capital = first >= 'A' && first <= 'Z' && token.end - token.begin > 1;
    if (!capital) return;
    if (is_any(token.low, kWeekdays)) return add(NameKind::kWeekday, i, token.low, "");
    // A sentence's first word is capital in any case; a second capital belongs to the first one.
    if (i == 0) return;
    const Token& before = tokens_[i - 1];
    const char second = token.end - token.begin > 1 ? text_[token.begin + 1] : 'a';
    if (second >= 'A' && second <= 'Z') return;  // GB, NASA
    if (text_.substr(before.end, token.begin - before.end) != " ") return;
    const char last = text_[before.begin];
    if (last >= 'A' && last <= 'Z') return;
    size_t length = 0;
    if (read_month_name(text_, token.begin, length) > 0 || is_any(token.low, kOtherCapitals))
      return;
    std::string level = "other ";
    if (is_any(token.low, kEnglishCountries)) level = "country ";
    if (is_any(token.low, kContinents)) level = "continent ";
    add(NameKind::kCapital, i, token.low, level + before.low);
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::vector<NamedThing> names_;
};

}  // namespace

std::vector<TextSpan> denying_words(std::string_view clause) {
  const std::vector<Token> tokens = tokens_of(clause);
  const bool korean = is_korean(clause);
  std::vector<TextSpan> words;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool denies = korean ? is_korean_denial(tokens, i) : is_english_denial(tokens[i].low);
    if (denies) words.push_back({tokens[i].begin, tokens[i].end});
  }
  return words;
}

Polarity polarity(std::string_view clause) {
  const std::string low = lowercase(clause);
  for (const std::string_view open : kOpenDenials) {
    if (contains(low, open)) return Polarity::kOpen;
  }
  const size_t count = denying_words(clause).size();
  return count % 2 == 0 ? Polarity::kSaid : Polarity::kDenied;
}

std::optional<Opposites> find_opposites(std::string_view claim, std::string_view evidence) {
  const std::vector<Token> mine = tokens_of(claim);
  const std::vector<Token> theirs = tokens_of(evidence);
  if (auto found = opposites_in(kOpposites, mine, theirs)) return found;
  return opposites_in(kMoreOpposites, mine, theirs);
}

std::vector<NamedThing> find_names(std::string_view text) { return NameFinder(text).find(); }

}  // namespace onmal

#include "corpus/clean/address_rules.h"

#include <algorithm>

namespace onmal {
namespace {

using Words = std::string_view;

constexpr auto kProvinces = std::to_array<std::string_view>(
    {"서울",     "서울시",   "서울특별시",    "부산",     "부산시",         "부산광역시",
     "대구",     "대구시",   "대구광역시",    "인천",     "인천시",         "인천광역시",
     "광주",     "광주시",   "광주광역시",    "대전",     "대전시",         "대전광역시",
     "울산",     "울산시",   "울산광역시",    "세종",     "세종시",         "세종특별자치시",
     "경기",     "경기도",   "강원",          "강원도",   "강원특별자치도", "충북",
     "충청북도", "충남",     "충청남도",      "전북",     "전라북도",       "전북특별자치도",
     "전남",     "전라남도", "경북",          "경상북도", "경남",           "경상남도",
     "제주",     "제주도",   "제주특별자치도"});

// Names of cities, districts and counties without 시, 구, 군, each between blanks.
constexpr Words kDistricts =
    " 종로 중 용산 성동 광진 동대문 중랑 성북 강북 도봉 노원 은평 서대문 마포 양천 강서 구로 금천 "
    "영등포 동작 관악 서초 강남 송파 강동 동 서 남 북 영도 부산진 동래 해운대 사하 금정 연제 수영 "
    "사상 기장 수성 달서 달성 군위 미추홀 연수 남동 부평 계양 강화 옹진 광산 유성 대덕 울주 수원 "
    "성남 의정부 안양 부천 광명 평택 동두천 안산 고양 과천 구리 남양주 오산 시흥 군포 의왕 하남 "
    "용인 파주 이천 안성 김포 화성 광주 양주 포천 여주 연천 가평 양평 장안 권선 팔달 영통 수정 "
    "중원 "
    "분당 만안 동안 상록 단원 덕양 일산동 일산서 처인 기흥 수지 춘천 원주 강릉 동해 태백 속초 삼척 "
    "홍천 횡성 영월 평창 정선 철원 화천 양구 인제 고성 양양 청주 충주 제천 상당 서원 흥덕 청원 "
    "보은 "
    "옥천 영동 증평 진천 괴산 음성 단양 천안 공주 보령 아산 서산 논산 계룡 당진 동남 서북 금산 "
    "부여 "
    "서천 청양 홍성 예산 태안 전주 군산 익산 정읍 남원 김제 완산 덕진 완주 진안 무주 장수 임실 "
    "순창 "
    "고창 부안 목포 여수 순천 나주 광양 담양 곡성 구례 고흥 보성 화순 장흥 강진 해남 영암 무안 "
    "함평 "
    "영광 장성 완도 진도 신안 포항 경주 김천 안동 구미 영주 영천 상주 문경 경산 의성 청송 영양 "
    "영덕 "
    "청도 고령 성주 칠곡 예천 봉화 울진 울릉 창원 진주 통영 사천 김해 밀양 거제 양산 의창 성산 "
    "마산합포 마산회원 진해 의령 함안 창녕 남해 하동 산청 함양 거창 합천 제주 서귀포 세종 ";

bool is_hangul_lead(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte >= 0xEA && byte <= 0xED;
}

// The begin of the run of Hangul (and digits, where `digits`) that ends at `end`.
size_t word_begin(std::string_view text, size_t end, size_t floor, bool digits) {
  size_t at = end;
  while (at > floor && end - at < 48) {
    if (digits && is_digit(text[at - 1])) {
      --at;
    } else if (at >= floor + 3 && is_hangul_lead(text[at - 3]) &&
               static_cast<uint8_t>(text[at - 1]) >= 0x80) {
      at -= 3;
    } else {
      break;
    }
  }
  return at;
}

bool ends_with_any(std::string_view word, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [&](std::string_view end) { return word.ends_with(end); });
}

bool is_province(std::string_view word) {
  return std::find(kProvinces.begin(), kProvinces.end(), word) != kProvinces.end();
}

bool is_district(std::string_view word) {
  if (!ends_with_any(word, {"시", "구", "군"})) return false;
  std::string padded = " ";
  padded += word.substr(0, word.size() - 3);
  padded += ' ';
  return kDistricts.find(padded) != kDistricts.npos;
}

// From the road's or village's word back over districts and provinces: where the address begins,
// npos where no known district is among them.
size_t address_begin(std::string_view text, size_t word, size_t floor) {
  size_t begin = word;
  bool known = false;
  for (int i = 0; i < 5; ++i) {
    size_t end = begin;
    while (end > floor && text[end - 1] == ' ' && begin - end < 2) --end;
    if (end == begin) break;
    const size_t previous = word_begin(text, end, floor, false);
    const std::string_view name = text.substr(previous, end - previous);
    const bool province = is_province(name);
    const bool district = is_district(name);
    if (!province && !district && !ends_with_any(name, {"읍", "면", "동", "구", "시", "군"})) break;
    if (name.size() < 6) break;
    known = known || district || (province && i > 0) || (province && name.ends_with("시"));
    begin = previous;
    if (province) break;
  }
  return known ? begin : text.npos;
}

size_t skip_digits(std::string_view text, size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// 12, 12-3
size_t skip_house(std::string_view text, size_t at) {
  const size_t end = skip_digits(text, at);
  if (end + 1 < text.size() && text[end] == '-' && is_digit(text[end + 1]))
    return skip_digits(text, end + 1);
  return end;
}

size_t skip_any(std::string_view text, size_t at, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words)
    if (text.substr(at, word.size()) == word) return at + word.size();
  return at;
}

// 101동, 3층, 1203호, 래미안아파트, (역삼동) behind the house number.
size_t skip_unit(std::string_view text, size_t at) {
  size_t begin = at;
  if (begin < text.size() && text[begin] == ',') ++begin;
  while (begin < text.size() && text[begin] == ' ' && begin < at + 3) ++begin;
  if (begin >= text.size()) return at;
  if (text[begin] == '(') {
    const size_t close = text.substr(begin, 64).find(')');
    if (close == text.npos) return at;
    const std::string_view inside = text.substr(begin + 1, close - 1);
    const size_t comma = std::min(inside.find(','), inside.size());
    return ends_with_any(inside.substr(0, comma), {"동", "가", "리"}) ? begin + close + 1 : at;
  }
  const size_t number = skip_any(text, begin, {"지하", "제"});
  const size_t digits = skip_house(text, number);
  if (digits > number) {
    const size_t unit = skip_any(text, digits, {"동", "층", "호", "단지"});
    return unit > digits ? unit : at;
  }
  size_t end = begin;
  while (end < text.size() && end < begin + 60 &&
         (static_cast<uint8_t>(text[end]) >= 0x80 || is_ascii_word(text[end])))
    ++end;
  const std::string_view word = text.substr(begin, end - begin);
  // A particle of one or two syllables may hang on it.
  for (const std::string_view kind :
       {"아파트", "오피스텔", "빌딩", "타워", "빌라", "맨션", "주택", "센터", "상가", "하이츠"}) {
    const size_t found = word.rfind(kind);
    if (found != word.npos && word.size() - found <= kind.size() + 6)
      return begin + found + kind.size();
  }
  return at;
}

// Behind the number: nothing that makes it a count (3개, 2시, 5km).
bool ends_house(std::string_view text, size_t at) {
  if (at >= text.size()) return true;
  if (is_ascii_word(text[at]) || text[at] == '%') return false;
  if (text[at] == '.' && at + 1 < text.size() && is_digit(text[at + 1])) return false;
  if (!is_hangul_lead(text[at])) return true;
  return skip_any(text, at, {"번지", "에", "으로", "로", "의", "입", "이", "호", "층", "번"}) > at;
}

constexpr auto kStreets = std::to_array<std::string_view>(
    {"St",     "St.",     "Street", "Ave",       "Ave.",  "Avenue", "Rd",  "Rd.",
     "Road",   "Blvd",    "Blvd.",  "Boulevard", "Lane",  "Ln",     "Ln.", "Drive",
     "Dr",     "Dr.",     "Court",  "Ct",        "Way",   "Place",  "Pl",  "Terrace",
     "Square", "Parkway", "Pkwy",   "Crescent",  "Close", "Highway"});

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

std::string_view latin_word(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && end < at + 24 &&
         (is_ascii_word(text[end]) || text[end] == '-' || text[end] == '.' || text[end] == '\''))
    ++end;
  return text.substr(at, end - at);
}

// ", CA 94105", ", TX", " SW1A 2AA" in the 64 bytes behind the street: where it ends, or npos.
size_t find_postcode(std::string_view text, size_t street) {
  const size_t last = std::min(text.size(), street + 64);
  for (size_t i = street; i + 3 < last && text[i] != '\n'; ++i) {
    if (text[i] != ' ' || !is_upper(text[i + 1])) continue;
    const std::string_view word = latin_word(text, i + 1);
    const size_t end = i + 1 + word.size();
    const bool state = word.size() == 2 && is_upper(word[1]);
    if (state && end + 5 < text.size() && text[end] == ' ' &&
        skip_digits(text, end + 1) == end + 6) {
      const bool plus =
          end + 10 < text.size() && text[end + 6] == '-' && skip_digits(text, end + 7) == end + 11;
      return plus ? end + 11 : end + 6;
    }
    if (state && end + 6 == text.size() && skip_digits(text, end + 1) == text.size())
      return text.size();
    if (state && i > 0 && text[i - 1] == ',') return end;
    const bool outward = word.size() >= 2 && word.size() <= 4 &&
                         is_digit(word[word.size() - 1 - (is_upper(word.back()) ? 1U : 0U)]);
    if (outward && end + 3 < text.size() + 0 && text[end] == ' ' && is_digit(text[end + 1]) &&
        is_upper(text[end + 2]) && is_upper(text[end + 3]))
      return end + 4;
  }
  return text.npos;
}

// Apt 4B, Suite 200, Unit 3 right behind the street.
size_t skip_apartment(std::string_view text, size_t at) {
  size_t begin = at;
  while (begin < text.size() && begin < at + 2 && (text[begin] == ',' || text[begin] == ' '))
    ++begin;
  size_t end =
      skip_any(text, begin, {"Apt. ", "Apt ", "Suite ", "Unit ", "Apartment ", "#", "Flat "});
  if (end == begin) return at;
  return end + latin_word(text, end).size();
}

// 152 Teheran-ro, Gangnam-gu, Seoul
std::optional<PersonalMatch> match_romanised(std::string_view text, size_t digit, size_t word) {
  const std::string_view road = latin_word(text, word);
  if (!ends_with_any(road, {"-ro", "-gil", "-daero"})) return {};
  size_t end = word + road.size();
  bool district = false;
  for (int i = 0; i < 4 && end + 2 < text.size() && text[end] == ',' && text[end + 1] == ' '; ++i) {
    const std::string_view next = latin_word(text, end + 2);
    if (next.empty() || !is_upper(next[0])) break;
    district = district || ends_with_any(next, {"-gu", "-si", "-gun", "Seoul", "Busan", "-do"});
    end += 2 + next.size();
  }
  if (!district) return {};
  return PersonalMatch{digit, end, PersonalKind::kAddress, Confidence::kHigh};
}

}  // namespace

std::optional<PersonalMatch> match_korean_address(std::string_view text, size_t digit,
                                                  size_t floor) {
  size_t end = digit;
  if (end > floor && text[end - 1] == ' ') --end;
  for (const std::string_view sign : {std::string_view("산"), std::string_view("지하")})
    if (end >= floor + sign.size() + 1 && text.substr(end - sign.size(), sign.size()) == sign &&
        text[end - sign.size() - 1] == ' ')
      end -= sign.size() + 1;
  if (end < floor + 6 || !ends_with_any(text.substr(end - 3, 3), {"로", "길", "동", "리", "가"}))
    return {};
  const size_t word = word_begin(text, end, floor, true);
  if (word == end) return {};
  const bool road = ends_with_any(text.substr(end - 3, 3), {"로", "길"});
  size_t house = skip_house(text, digit);
  if (road) {
    // 테헤란로12길 34: the digits belong to the road's name.
    const size_t lane = skip_any(text, house, {"번가길", "번길", "가길", "길"});
    if (lane > house) {
      size_t number = lane;
      while (number < text.size() && number < lane + 1 && text[number] == ' ') ++number;
      if (number >= text.size() || !is_digit(text[number])) return {};
      house = skip_house(text, number);
    }
  }
  if (house - digit > 40 || !ends_house(text, house)) return {};
  const size_t begin = address_begin(text, word, floor);
  if (begin == text.npos) return {};
  size_t close = skip_any(text, house, {"번지"});
  const size_t unit = skip_any(text, close, {"호", "층"});
  close = unit;
  for (int i = 0; i < 6; ++i) {
    const size_t next = skip_unit(text, close);
    if (next == close) break;
    close = next;
  }
  return PersonalMatch{begin, close, PersonalKind::kAddress,
                       road ? Confidence::kHigh : Confidence::kMedium};
}

std::optional<PersonalMatch> match_latin_address(std::string_view text, size_t digit) {
  if (digit > 0 && (is_ascii_word(text[digit - 1]) || text[digit - 1] == '.' ||
                    text[digit - 1] == '-' || text[digit - 1] == ','))
    return {};
  size_t at = skip_house(text, digit);
  if (at - digit > 9) return {};
  if (at < text.size() && text[at] == ',') ++at;
  if (at + 2 >= text.size() || text[at] != ' ' || !is_upper(text[at + 1])) return {};
  ++at;
  if (const auto romanised = match_romanised(text, digit, at)) return romanised;
  for (int i = 0; i < 5; ++i) {
    const std::string_view word = latin_word(text, at);
    if (word.empty() || !(is_upper(word[0]) || is_digit(word[0]))) return {};
    at += word.size();
    if (i > 0 && std::find(kStreets.begin(), kStreets.end(), word) != kStreets.end()) {
      const size_t apartment = skip_apartment(text, at);
      const size_t post = find_postcode(text, apartment);
      if (post == text.npos && apartment == at) return {};
      return PersonalMatch{digit, post == text.npos ? apartment : post, PersonalKind::kAddress,
                           Confidence::kHigh};
    }
    if (at >= text.size() || text[at] != ' ') return {};
    ++at;
  }
  return {};
}

}  // namespace onmal

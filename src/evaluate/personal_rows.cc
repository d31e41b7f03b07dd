// Sentences with made personal data for PersonalMeasure. Numbers are drawn, so they are nobody's
// but by chance; none is written anywhere.

#include <algorithm>

#include "base/rng.h"
#include "corpus/clean/number_rules.h"
#include "evaluate/personal_measure.h"

namespace onmal {
namespace {

using Words = std::vector<std::string>;

class RowMaker {
 public:
  explicit RowMaker(uint64_t seed) : rng_(seed) {}

  PersonalRow make_personal() {
    switch (rng_.below(6)) {
      case 0:
        return fill(resident(), PersonalKind::kResidentNumber,
                    {"주민등록번호는 {}입니다", "주민번호 {} 확인", "신청인 주민등록번호: {}",
                     "성명 홍길동, 주민등록번호 {}, 남"});
      case 1:
        return fill(phone(), PersonalKind::kPhone,
                    {"연락처는 {}입니다", "{} 으로 연락 주세요", "전화 {}", "문의: {} (평일)",
                     "제 번호 {}"});
      case 2:
        return fill(card(), PersonalKind::kCard,
                    {"카드번호 {}", "{} 카드로 결제했어요", "카드 {} 정지해 주세요"});
      case 3:
        return account();
      case 4:
        return fill(email(), PersonalKind::kEmail,
                    {"메일은 {}입니다", "{}로 보내 주세요", "이메일: {}", "<{}>"});
      default:
        return fill(address(), PersonalKind::kAddress,
                    {"주소: {}", "{}에 살아요", "배송지는 {} 입니다", "{}로 보내 주세요"});
    }
  }

  PersonalRow make_look_alike() {
    const std::string text = look_alike();
    return {text, {}};
  }

 private:
  std::string pick(const Words& words) { return words[rng_.below(words.size())]; }
  std::string digits(size_t count) {
    std::string made;
    for (size_t i = 0; i < count; ++i) made += static_cast<char>('0' + rng_.below(10));
    return made;
  }
  std::string number(size_t from, size_t to) {
    const std::string made = std::to_string(from + rng_.below(to - from + 1));
    return made.size() < 2 ? "0" + made : made;
  }

  static std::string replace(std::string frame, const std::string& value) {
    return frame.replace(frame.find("{}"), 2, value);
  }
  PersonalRow fill(const std::string& value, PersonalKind kind, const Words& frames) {
    return {replace(pick(frames), value), {{kind, value}}};
  }

  // The last digit that makes `fits` true of it and what stands before.
  static std::string checked(const std::string& digits, bool (*fits)(std::string_view)) {
    for (char last = '0'; last <= '9'; ++last)
      if (fits(digits + last)) return digits + last;
    return digits;
  }

  std::string resident() {
    const bool young = rng_.below(3) == 0;
    const std::string birth = (young ? number(0, 19) : number(40, 99)) + number(1, 12) +
                              number(1, 28) +
                              static_cast<char>((young ? '3' : '1') + rng_.below(2));
    const std::string all = checked(birth + digits(5), resident_checksum_fits);
    return all.substr(0, 6) + pick({"-", "-", "-", " - ", "–", ""}) + all.substr(6);
  }

  std::string phone() {
    const std::string middle = std::string(1, static_cast<char>('2' + rng_.below(8))) + digits(3);
    const std::string joint = pick({"-", "-", "-", " ", ".", "", "~", " - ", "·"});
    switch (rng_.below(6)) {
      case 0:
        return pick({"02-", "031-", "051-", "070-", "(02) ", "02)"}) + middle + "-" + digits(4);
      case 1:
        return pick({"+82 10-", "+82-10-", "+82 (0)10-"}) + middle + "-" + digits(4);
      default:
        return "010" + joint + middle + joint + digits(4);
    }
  }

  std::string card() {
    const std::string head = pick({"4", "51", "54", "9409", "6226", "3566"});
    const std::string all = checked(head + digits(15 - head.size()), luhn_fits);
    const std::string joint = pick({"-", "-", " ", ""});
    return all.substr(0, 4) + joint + all.substr(4, 4) + joint + all.substr(8, 4) + joint +
           all.substr(12);
  }

  PersonalRow account() {
    const std::string value =
        pick({digits(3) + "-" + digits(3) + "-" + digits(6),
              digits(6) + "-" + digits(2) + "-" + digits(6), "3333-" + digits(2) + "-" + digits(7),
              "302-" + digits(4) + "-" + digits(4) + "-" + digits(2), "1" + digits(13)});
    return fill(value, PersonalKind::kAccount,
                {"계좌번호 {}", "국민은행 {} 홍길동", "입금 계좌는 {}입니다", "카카오뱅크 {}",
                 "농협 {}로 보내 주세요"});
  }

  std::string email() {
    const std::string name = pick({"gildong", "yesi.kim", "bogi_park", "ga-sang", "lee+news"});
    return name + digits(rng_.below(4)) +
           pick({"@example.com", "@example.co.kr", "@mail.example.org", "(at)example.com",
                 "골뱅이example.net", " @ example.com", "＠example.kr"});
  }

  std::string address() {
    const std::string place =
        pick({"서울 강남구 테헤란로", "서울특별시 마포구 월드컵북로",
              "경기도 성남시 분당구 판교역로", "부산 해운대구 센텀중앙로", "대전 유성구 대학로",
              "제주시 첨단로", "전남 해남군 송지면 땅끝마을길", "강원도 춘천시 중앙로"});
    return place + " " + std::to_string(1 + rng_.below(400)) +
           pick({"", "", "-3", ", 2층", " 101동 1203호"});
  }

  std::string look_alike() {
    switch (rng_.below(12)) {
      case 0:
        return "버전 " + number(1, 30) + "." + number(1, 99) + "." + digits(3) + "." + digits(4);
      case 1:
        return "가격은 " + number(1, 999) + "," + digits(3) + "," + digits(3) + "원입니다";
      case 2:
        return "ISBN 978-89-" + digits(4) + "-" + digits(3) + "-" + digits(1);
      case 3:
        return "주문번호 20" + number(10, 29) + number(1, 12) + number(1, 28) + "-" + digits(7);
      case 4:
        return "20" + number(10, 29) + "-" + number(1, 12) + "-" + number(1, 28) + " " +
               number(0, 23) + ":" + number(0, 59) + ":" + number(0, 59) + "에 기록됨";
      case 5:
        return "192.168." + std::to_string(rng_.below(256)) + "." +
               std::to_string(rng_.below(256)) + " 접속 기록";
      case 6:
        return "타임스탬프 1" + digits(12);
      case 7:
        return "const int kSize = " + digits(9) + ";  // 0x" + digits(8);
      case 8:
        return "운송장 번호 " + digits(4) + "-" + digits(4) + "-" + digits(4);
      case 9:
        return digits(8) + "-" + digits(4) + "-4" + digits(3) + "-" + digits(4) + "-" + digits(12);
      case 10:
        return "법인등록번호 110111-" + digits(7);
      default:
        return "카드 승인번호 " + digits(8) + ", 금액 " + number(10, 99) + "," + digits(3) + "원";
    }
  }

  Rng rng_;
};

}  // namespace

std::vector<PersonalRow> make_personal_rows(size_t count, uint64_t seed) {
  RowMaker maker(seed);
  std::vector<PersonalRow> rows;
  for (size_t i = 0; i < count; ++i)
    rows.push_back(i % 2 == 0 ? maker.make_personal() : maker.make_look_alike());
  return rows;
}

}  // namespace onmal

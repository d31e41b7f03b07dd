#include "corpus/clean/personal_data.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/rng.h"
#include "base/timer.h"
#include "corpus/clean/number_rules.h"
#include "text/unicode.h"

namespace onmal {
namespace {

using Found = std::multiset<std::string>;

Found found_in(std::string_view text, const PersonalOptions& options = {}) {
  Found found;
  for (const PersonalSpan& span : find_personal_data(text, options))
    found.insert(std::string(personal_kind_name(span.kind)) + " " +
                 std::string(text.substr(span.begin, span.end - span.begin)));
  return found;
}

PersonalOptions everything() {
  PersonalOptions options;
  options.kinds.fill(true);
  return options;
}

TEST(PersonalData, ChecksumsAgreeWithTheirDefinitions) {
  EXPECT_TRUE(luhn_fits("4111111111111111"));
  EXPECT_TRUE(luhn_fits("378282246310005"));
  EXPECT_FALSE(luhn_fits("4111111111111112"));
  // Exactly one last digit in ten fits, whatever stands before it.
  int resident = 0, foreigner = 0, business = 0;
  for (char last = '0'; last <= '9'; ++last) {
    resident += resident_checksum_fits(std::string("850312110234") + last);
    foreigner += foreigner_checksum_fits(std::string("880611560012") + last);
    business += business_checksum_fits(std::string("123456789") + last);
  }
  EXPECT_EQ(resident, 1);
  EXPECT_EQ(foreigner, 1);
  EXPECT_EQ(business, 1);
}

TEST(PersonalData, FindsWhatTheSamplesSay) {
  std::istringstream lines(read_file(ONMAL_SOURCE_DIR "/samples/personal_data.jsonl"));
  size_t right = 0, wrong = 0, missed = 0, rows = 0;
  for (std::string line; std::getline(lines, line); ++rows) {
    const auto row = nlohmann::json::parse(line);
    const auto text = row["text"].get<std::string>();
    const Found found = found_in(text);
    Found wanted;
    for (const auto& item : row["found"])
      wanted.insert(item["kind"].get<std::string>() + " " + item["value"].get<std::string>());
    for (const std::string& item : found) wanted.contains(item) ? ++right : ++wrong;
    for (const std::string& item : wanted) missed += found.contains(item) ? 0 : 1;
  }
  EXPECT_GE(rows, 150U);
  EXPECT_GE(static_cast<double>(right) / static_cast<double>(right + wrong), 0.96);
  EXPECT_GE(static_cast<double>(right) / static_cast<double>(right + missed), 0.96);
}

TEST(PersonalData, DecomposedTextGivesTheSameStretches) {
  const std::string composed =
      "주소: 서울시 마포구 월드컵북로 396, 전화번호 0212345678, 계좌 농협 302-1234-5678-91";
  const std::string decomposed = normalize_unicode(composed, NormalForm::kNfd);
  Found composed_again;
  for (const std::string& item : found_in(decomposed))
    composed_again.insert(normalize_unicode(item, NormalForm::kNfc));
  EXPECT_EQ(composed_again, found_in(composed));
  EXPECT_EQ(composed_again.size(), 3U);
}

TEST(PersonalData, FullWidthDigitsKeepTheirPlaces) {
  const std::string text = "연락처\u200B ０１０－３３４４－５５６６입니다";
  const auto spans = find_personal_data(text);
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(text.substr(spans[0].begin, spans[0].end - spans[0].begin),
            "０１０－３３４４－５５６６");
  EXPECT_EQ(mask_personal_data(text, spans), "연락처\u200B <전화번호>입니다");
  EXPECT_EQ(mask_personal_data(text, spans, MaskStyle::kEnglishTag), "연락처\u200B <PHONE>입니다");
  EXPECT_EQ(mask_personal_data(text, spans, MaskStyle::kStars).size(), text.size());
}

TEST(PersonalData, NumbersWithoutChecksumNeedAWord) {
  EXPECT_EQ(found_in("주민등록번호 210315-3482917").size(), 1U);
  EXPECT_TRUE(found_in("접수 210315-3482917").empty());
  EXPECT_TRUE(found_in("주민등록번호 211315-3482917").empty());  // no thirteenth month
  PersonalOptions low;
  low.least = Confidence::kLow;
  EXPECT_EQ(found_in("접수 210315-3482917", low).size(), 1U);
}

TEST(PersonalData, KindsThatAreOffStayOff) {
  EXPECT_TRUE(found_in("8.8.8.8 그리고 사업자번호 124-81-00998").empty());
  EXPECT_EQ(found_in("8.8.4.4 접속", everything()).size(), 0U);  // 8.x is a version as often
  EXPECT_EQ(found_in("93.184.216.34 접속", everything()), Found{"ip_address 93.184.216.34"});
  EXPECT_EQ(found_in("사업자번호 124-81-00998", everything()),
            Found{"business_number 124-81-00998"});
}

// Each made number is found whole among near misses, and nothing of these is.
TEST(PersonalData, FindsMadeNumbersAndNoNearMisses) {
  Rng rng(7);
  const auto digits = [&](size_t n) {
    std::string made;
    for (size_t i = 0; i < n; ++i) made += static_cast<char>('0' + rng.next() % 10);
    return made;
  };
  size_t wrong = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string phone("010-");
    phone += static_cast<char>('2' + i % 8);
    phone.append(digits(3)).append("-").append(digits(4));
    std::string mail("user");
    mail.append(digits(3)).append("@example").append(digits(1)).append(".co.kr");
    std::string text("x ");
    text.append(phone).append(" y ").append(mail).append("로");
    std::string wanted_phone("phone ");
    std::string wanted_mail("email ");
    EXPECT_EQ(found_in(text), (Found{wanted_phone.append(phone), wanted_mail.append(mail)}));
    std::string near("v");
    near.append(digits(2)).append(".").append(digits(3)).append(".").append(digits(4));
    near.append(" ISBN 978-89-").append(digits(4)).append("-").append(digits(3)).append("-1, ");
    near.append("2024-03-1").append(digits(1)).append(" #").append(digits(9)).append(" 0x");
    near.append(digits(12)).append(" ").append(digits(13)).append(" ").append(digits(16));
    near.append(" a").append(phone).append(" ").append(phone).append("9 ");
    wrong += found_in(near).size();
  }
  EXPECT_EQ(wrong, 0U);
}

TEST(PersonalData, ReadsWhatIsSpeltOut) {
  EXPECT_EQ(found_in("공일공 이삼사오 공공공일 입니다"), Found{"phone 공일공 이삼사오 공공공일"});
  EXPECT_EQ(found_in("O1O-2345-OOO1"), Found{"phone O1O-2345-OOO1"});
  EXPECT_EQ(found_in("010~2345~0001 문자"), Found{"phone 010~2345~0001"});
  EXPECT_EQ(found_in("kim [at] example [dot] com 으로"), Found{"email kim [at] example [dot] com"});
  EXPECT_EQ(found_in("kim골뱅이example.com으로"), Found{"email kim골뱅이example.com"});
  for (const char* text :
       {"공일공", "공일공 일이삼사 오육칠팔", "O1O2OOOOOOO", "img_010~2345~0001", "010~2345-0001",
        "x @ w.t", "array [at] index.com-like", "골뱅이무침.com", "(at)example.com", "영일영화"})
    EXPECT_TRUE(found_in(text).empty()) << text;
}

TEST(PersonalData, OtherNumbersBesideBanksAreNoAccounts) {
  EXPECT_EQ(found_in("신한 110-200-000001"), Found{"account 110-200-000001"});
  EXPECT_EQ(found_in("302-2000-0001-01 (농협)"), Found{"account 302-2000-0001-01"});
  for (const char* text :
       {"우체국 등기번호 1234567890123", "은행 한도 10000000000원", "농협 상품 8801234567893",
        "법인등록번호 110111-1234567", "우리 2024-01-02", "하나 110-20-1"})
    EXPECT_TRUE(found_in(text).empty()) << text;
}

// Text is passed over sixteen bytes at a time: whatever stands before, the same is found.
TEST(PersonalData, NothingIsMissedWhereverItStands) {
  for (const char* found :
       {"010-1234-5678", "공일공 이삼사오 육칠팔구", "O1O-2345-6789", "hong@example.com",
        "hong(at)example.com", "hong골뱅이example.com", "hong @ example.com"}) {
    for (size_t before = 0; before < 40; ++before) {
      for (const char* filler : {"x", " ", "가", "공", "영 "}) {
        std::string text;
        for (size_t i = 0; i < before; ++i) text += filler;
        text += '\n';
        const size_t place = text.size();
        text.append(found).append("\n끝");
        const std::vector<PersonalSpan> spans = find_personal_data(text);
        ASSERT_EQ(spans.size(), 1U) << text;
        EXPECT_EQ(spans[0].begin, place) << text;
      }
    }
  }
}

TEST(PersonalData, AnyBytesInLinearTime) {
  EXPECT_TRUE(find_personal_data("").empty());
  Rng rng(3);
  std::string noise(1 << 16, ' ');
  for (int round = 0; round < 4; ++round) {
    for (char& c : noise) c = static_cast<char>(rng.next());
    PersonalOptions options = everything();
    options.least = Confidence::kLow;
    size_t last = 0;
    for (const PersonalSpan& span : find_personal_data(noise, options)) {
      EXPECT_LE(last, span.begin);
      EXPECT_LT(span.begin, span.end);
      EXPECT_LE(span.end, noise.size());
      last = span.end;
    }
  }
  for (const std::string_view unit : {"1", "1-", "@", "a.", "로 1 ", "강남구 ", "1 A", "(", "ᄀ",
                                      "a@", "O1O", "공일공 ", "a[at]", "골뱅이", "가.", "010~"}) {
    std::string text;
    while (text.size() < 4'000'000) text += unit;
    const Timer timer;
    find_personal_data(text, everything());
    EXPECT_LT(timer.seconds(), 8.0) << unit;
  }
}

}  // namespace
}  // namespace onmal

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "answer/claims/check_claims.h"
#include "answer/claims/claim_policy.h"
#include "answer/claims/claim_splitter.h"
#include "answer/claims/quantities.h"
#include "answer/claims/wording.h"
#include "base/error.h"
#include "knowledge/analyzer.h"

namespace onmal {
namespace {

std::vector<std::string> claims_of(const std::string& answer, int64_t passages = 3) {
  std::vector<std::string> texts;
  for (const CheckableClaim& claim : split_claims(answer, passages).claims) {
    std::string text = claim.text;
    while (text.ends_with('.') || text.ends_with(' ')) text.pop_back();
    texts.push_back(text);
    // Offsets name the claim in the answer, citations within it aside.
    const std::string there = answer.substr(claim.begin, claim.end - claim.begin);
    if (there.find('[') == std::string::npos) {
      EXPECT_EQ(there, claim.text);
    }
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(SplitClaims, TakesStatementsAlone) {
  EXPECT_EQ(claims_of("안녕하세요! 한라산의 높이는 1,947m입니다 [1]. 더 궁금한 점이 있으신가요?"),
            Texts{"한라산의 높이는 1,947m입니다"});
  EXPECT_EQ(claims_of("Hello! The tower is 330 m tall [2]. I hope this helps."),
            Texts{"The tower is 330 m tall"});
  EXPECT_EQ(claims_of("아마 내일 열릴 것 같습니다. 모르겠습니다. 행사는 3일에 열린다."),
            Texts{"행사는 3일에 열린다"});
  EXPECT_EQ(claims_of("Perhaps it opens in May. It opens in June."), Texts{"It opens in June"});
  EXPECT_EQ(claims_of("[1][2]"), Texts{});
  EXPECT_EQ(claims_of("출처: 보고서.pdf"), Texts{});
  EXPECT_EQ(claims_of("12. 34!"), Texts{});
  EXPECT_EQ(claims_of(""), Texts{});
}

TEST(SplitClaims, ReadsListsQuotesAndSemicolons) {
  EXPECT_EQ(claims_of("요금은 다음과 같습니다:\n- 일반 요금은 1,500원\n- 청소년 요금은 900원\n"),
            (Texts{"일반 요금은 1,500원", "청소년 요금은 900원"}));
  EXPECT_EQ(claims_of("“The deposit is not refundable.”"), Texts{"The deposit is not refundable"});
  EXPECT_EQ(claims_of("The rent is 500 euros; the deposit is 900 euros."),
            (Texts{"The rent is 500 euros", "the deposit is 900 euros"}));
  EXPECT_EQ(claims_of("Run this:\n```\nThe answer is 5.\n```\nThe port is 80."),
            Texts{"The port is 80"});
  EXPECT_EQ(claims_of("# Heading\n\nBees make honey."), Texts{"Bees make honey"});
}

TEST(SplitClaims, LongAnswersAreBounded) {
  std::string answer;
  for (int i = 0; i < 5000; ++i) answer += "이 문장은 모두 같은 내용을 말합니다. ";
  const SplitClaims bytes = split_claims(answer, 0, 1000, 1000000);
  EXPECT_LE(bytes.read_bytes, 1000U);
  EXPECT_GT(bytes.read_bytes, 500U);
  EXPECT_GE(bytes.claims.size() + 1, bytes.sentences);  // the last one may be cut
  const SplitClaims few = split_claims(answer, 0, answer.size(), 7);
  EXPECT_EQ(few.claims.size(), 7U);
  EXPECT_LT(few.read_bytes, answer.size());
  // No space, no line's end: still cut between characters.
  std::string joined;
  for (int i = 0; i < 400; ++i) joined += "가";
  EXPECT_EQ(split_claims(joined, 0, 100, 10).read_bytes, 99U);
}

TEST(SplitClauses, CutsBehindEndingsThatJoin) {
  const auto clauses = [](std::string_view text) {
    Texts out;
    for (const TextSpan& span : split_clauses(text)) out.emplace_back(span.in(text));
    return out;
  };
  EXPECT_EQ(clauses("세종은 1443년에 만들었고 1446년에 반포하였다."),
            (Texts{"세종은 1443년에 만들었고", "1446년에 반포하였다."}));
  EXPECT_EQ(clauses("고래는 물고기가 아니라 포유류이다."),
            (Texts{"고래는 물고기가 아니라", "포유류이다."}));
  EXPECT_EQ(clauses("창고 앞 광고 간판이 사고로 넘어졌다.").size(), 1U);
  EXPECT_EQ(clauses("She won in 1903 and she won again in 1911."),
            (Texts{"She won in 1903", "she won again in 1911."}));
  EXPECT_EQ(clauses("The border between Nepal and China.").size(), 1U);
}

struct NumberCase {
  const char* text;
  double value;
  const char* unit;
};
TEST(ReadNumbers, QuantitiesInBaseUnits) {
  for (const NumberCase& c : std::vector<NumberCase>{{"높이는 1,947m이다", 1947, "m"},
                                                     {"14.4km를 걷는다", 14400, "m"},
                                                     {"매출 2조 3천억 원", 2.3e12, "원"},
                                                     {"매출 2.3조 원", 2.3e12, "원"},
                                                     {"3억 5,000만 원", 3.5e8, "원"},
                                                     {"인구 940만 명", 9.4e6, "people"},
                                                     {"직원 4,500명이며", 4500, "people"},
                                                     {"백만 명이 넘는", 1e6, "people"},
                                                     {"하루는 세 번 먹는다", 86400, "second"},
                                                     {"열세 척의 배", 13, "ship"},
                                                     {"2주 동안", 1209600, "second"},
                                                     {"14일 동안", 1209600, "second"},
                                                     {"사흘 뒤에", 259200, "second"},
                                                     {"오후 2시 30분에", 870, "clock"},
                                                     {"at 2:30 pm", 870, "clock"},
                                                     {"12% 늘었다", 12, "%"},
                                                     {"15 percent", 15, "%"},
                                                     {"10퍼센트이며", 10, "%"},
                                                     {"is $2.4 billion", 2.4e9, "dollar"},
                                                     {"about 7 million people", 7e6, "people"},
                                                     {"up to five items", 5, "~item"},
                                                     {"twenty-five days", 2160000, "second"},
                                                     {"two hundred metres", 200, "m"},
                                                     {"4 GB of memory", 4e9, "byte"}}) {
    const std::vector<Quantity> found = read_numbers(c.text).quantities;
    ASSERT_FALSE(found.empty()) << c.text;
    EXPECT_NEAR(found[0].value, c.value, 1e-6 * c.value) << c.text;
    EXPECT_EQ(found[0].unit, c.unit) << c.text;
  }
}

TEST(ReadNumbers, DatesAndWhatIsNone) {
  const auto date = [](const char* text) {
    const std::vector<CalendarDate> dates = read_numbers(text).dates;
    return dates.empty() ? std::tuple(-1, -1, -1)
                         : std::tuple(dates[0].year, dates[0].month, dates[0].day);
  };
  EXPECT_EQ(date("2024년 3월 1일부터"), std::tuple(2024, 3, 1));
  EXPECT_EQ(date("5월 3일 토요일"), std::tuple(0, 5, 3));
  EXPECT_EQ(date("1443년에"), std::tuple(1443, 0, 0));
  EXPECT_EQ(date("2025-12-31까지"), std::tuple(2025, 12, 31));
  EXPECT_EQ(date("on December 31, 2025."), std::tuple(2025, 12, 31));
  EXPECT_EQ(date("on 31 December 2025"), std::tuple(2025, 12, 31));
  EXPECT_EQ(date("in May 1953 by"), std::tuple(1953, 5, 0));
  EXPECT_EQ(date("completed in 1889 by"), std::tuple(1889, 0, 0));
  EXPECT_EQ(date("you may go"), std::tuple(-1, -1, -1));
  EXPECT_EQ(date("2000년 동안 서 있다"), std::tuple(-1, -1, -1));
  for (const char* text : {"세대가 다르다", "이 사람은", "일본에 간다", "version 3.11.2 of",
                           "call 010-1234-5678", "한국은 크다", "one of them", "만약에"})
    EXPECT_TRUE(read_numbers(text).quantities.empty()) << text;
}

TEST(CompareNumbers, UnitsDecideWhatContradicts) {
  const auto compared = [](const char* a, const char* b) {
    return compare(read_numbers(a).quantities.at(0), read_numbers(b).quantities.at(0));
  };
  EXPECT_EQ(compared("1.5km", "1,500 metres"), NumberMatch::kSame);
  EXPECT_EQ(compared("3 weeks", "21 days"), NumberMatch::kSame);
  EXPECT_EQ(compared("10%", "20퍼센트"), NumberMatch::kDifferent);
  EXPECT_EQ(compared("10명", "20원"), NumberMatch::kForeign);
  EXPECT_EQ(compared("약 900만 명", "9,100,000명"), NumberMatch::kSame);
  EXPECT_EQ(compared("900만 명", "9,100,000명"), NumberMatch::kDifferent);
  EXPECT_EQ(compared("30~40명", "35명"), NumberMatch::kForeign);
  const auto dates = [](const char* a, const char* b) {
    return compare(read_numbers(a).dates.at(0), read_numbers(b).dates.at(0));
  };
  EXPECT_EQ(dates("2024년", "2024년 3월 1일"), NumberMatch::kSame);
  EXPECT_EQ(dates("2024년 3월 1일", "2024년"), NumberMatch::kForeign);
  EXPECT_EQ(dates("2024년 5월", "2024년 3월 1일"), NumberMatch::kDifferent);
}

TEST(Wording, DenialsAndOpposites) {
  for (const char* text :
       {"임신부는 복용해서는 안 됩니다", "어린이는 요금을 내지 않는다", "기본 포트는 바꿀 수 없다",
        "It is not refundable", "Penguins cannot fly", "It doesn't open"})
    EXPECT_EQ(polarity(text), Polarity::kDenied) << text;
  for (const char* text : {"7일 안에 내야 한다", "복용해도 됩니다", "안동에서 발견되었다",
                           "The notice is refundable", "못을 박는다"})
    EXPECT_EQ(polarity(text), Polarity::kSaid) << text;
  EXPECT_EQ(polarity("예외 없이 적용된다"), Polarity::kOpen);
  EXPECT_EQ(polarity("not only bees"), Polarity::kOpen);
  EXPECT_TRUE(find_opposites("매출이 줄어들었다", "매출이 12% 늘어난"));
  EXPECT_TRUE(find_opposites("Revenue fell", "Revenue rose"));
  EXPECT_FALSE(find_opposites("Revenue rose", "Revenue rose but costs fell"));
  EXPECT_FALSE(find_opposites("매출은 크다", "매출은 크다"));
}

class CheckClaimsTest : public ::testing::Test {
 protected:
  ClaimReport check(const std::string& answer, const std::string& text,
                    const EntailmentModel* model = nullptr) const {
    const std::vector<ContextBlock> blocks = blocks_of_text(text, "test");
    return check_claims(Evidence(blocks, analyzer_), answer, model);
  }
  std::string verdict(const std::string& answer, const std::string& text) const {
    const ClaimReport report = check(answer, text);
    if (report.claims.empty()) return "no claim";
    return std::string(claim_verdict_name(report.claims[0].verdict)) + " " +
           std::string(claim_reason_name(report.claims[0].reason));
  }
  const Analyzer analyzer_;
};

TEST_F(CheckClaimsTest, SaysWhatDiffers) {
  const std::string text =
      "제품의 무게는 1.2kg이다. 보증 기간은 2년이며 배터리는 바꿀 수 없다. 공장은 부산에 있다.";
  EXPECT_EQ(verdict("제품의 무게는 1,200g입니다.", text), "supported wording");
  EXPECT_EQ(verdict("제품의 무게는 2kg입니다.", text), "contradicted number");
  EXPECT_EQ(verdict("배터리는 바꿀 수 있다.", text), "contradicted negation");
  EXPECT_EQ(verdict("공장은 인천에 있다.", text), "contradicted name");
  EXPECT_EQ(verdict("제품은 방수가 된다.", text), "not_found none");
  EXPECT_EQ(verdict("안녕하세요.", text), "no claim");
}

TEST_F(CheckClaimsTest, PointsToTheEvidence) {
  const std::string text = "가나다. 서울의 인구는 940만 명이다. 라마바.";
  const std::string answer = "답: 네. 서울의 인구는 330만 명입니다.";
  const ClaimReport report = check(answer, text);
  ASSERT_FALSE(report.claims.empty());
  const CheckedClaim& claim = report.claims.back();
  EXPECT_EQ(answer.substr(claim.begin, claim.end - claim.begin), claim.text);
  EXPECT_EQ(claim.verdict, ClaimVerdict::kContradicted);
  EXPECT_EQ(claim.evidence.passage, 1);
  EXPECT_EQ(claim.evidence.quote, "서울의 인구는 940만 명이다.");
  EXPECT_EQ(claim.evidence.begin_character, 5);
  EXPECT_EQ(claim.evidence.end_character, 22);
  EXPECT_TRUE(is_contradicted(report));
  EXPECT_FALSE(is_contradicted(report, 1.1));
}

TEST_F(CheckClaimsTest, OddInput) {
  EXPECT_TRUE(check("", "근거가 있다.").claims.empty());
  const std::vector<ContextBlock> none;
  const ClaimReport report = check_claims(Evidence(none, analyzer_), "서울은 수도이다.");
  ASSERT_EQ(report.claims.size(), 1U);
  EXPECT_EQ(report.claims[0].verdict, ClaimVerdict::kNotFound);
  EXPECT_EQ(report.claims[0].evidence.passage, 0);
  EXPECT_THROW(blocks_of_text(" \n", "x"), Error);
  EXPECT_THROW(blocks_of_text("\xff\xfe", "x"), Error);
  EXPECT_THROW(claim_action_of("stop", "--claims"), Error);
  EXPECT_EQ(claim_action_of("block", ""), ClaimAction::kBlock);
  // Bytes that are not UTF-8 in an answer do no harm.
  check("서울은 \xff 수도이다. 1,\xec년", "서울은 수도이다.");
}

TEST_F(CheckClaimsTest, RandomTextDoesNoHarm) {
  const std::vector<std::string> parts = {"서울",    "은",   " ",   "1,0",   "00",    "만", "년",
                                          ". ",      "않",   "[1]", "\n- ",  "“",     "”",  "; ",
                                          " and ",   "5월",  "일",  "오후 ", ":",     "$",  "%",
                                          "Monday ", "\xea", "```", "고 ",   "2024-", "-"};
  uint64_t state = 7;
  for (int round = 0; round < 300; ++round) {
    std::string answer, text = "서울은 2024년 5월에 1,000만 명이다. ";
    for (int i = 0; i < 40; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      answer += parts[(state >> 33) % parts.size()];
    }
    const ClaimReport report = check(answer, text);
    for (const CheckedClaim& claim : report.claims) {
      EXPECT_LE(claim.begin, claim.end);
      EXPECT_LE(claim.end, answer.size());
      EXPECT_GE(claim.score, 0.0);
      EXPECT_LE(claim.score, 1.0);
    }
  }
}

// Says what it is told of every pair.
class FixedModel : public EntailmentModel {
 public:
  explicit FixedModel(EntailmentScores scores) : scores_(scores) {}
  std::vector<EntailmentScores> judge(std::span<const std::pair<std::string, std::string>> pairs,
                                      const std::stop_token& /*stop*/) const override {
    return std::vector<EntailmentScores>(pairs.size(), scores_);
  }

 private:
  EntailmentScores scores_;
};

TEST_F(CheckClaimsTest, AModelDecidesWhereRulesSeeNothing) {
  const std::string text = "도서관에는 열람실과 휴게실이 넓게 마련되어 있다.";
  const std::string claim = "도서관에는 주차장과 식당이 마련되어 있다.";
  EXPECT_EQ(check(claim, text).claims[0].verdict, ClaimVerdict::kNotFound);
  const FixedModel against({0.02, 0.03, 0.95});
  EXPECT_EQ(check(claim, text, &against).claims[0].verdict, ClaimVerdict::kContradicted);
  EXPECT_EQ(check(claim, text, &against).claims[0].reason, ClaimReason::kModel);
  const FixedModel entails({0.9, 0.05, 0.05});
  EXPECT_EQ(check(claim, text, &entails).claims[0].verdict, ClaimVerdict::kSupported);
  const FixedModel unsure({0.4, 0.3, 0.3});
  EXPECT_EQ(check(claim, text, &unsure).claims[0].verdict, ClaimVerdict::kNotFound);
  // It cannot undo a number that differs.
  EXPECT_EQ(check("무게는 3kg이다.", "무게는 2kg이다.", &entails).claims[0].verdict,
            ClaimVerdict::kContradicted);
  // Foreign text is not even asked about.
  EXPECT_EQ(check("고래는 바다에 산다.", text, &against).claims[0].verdict,
            ClaimVerdict::kNotFound);
}

}  // namespace
}  // namespace onmal

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "answer/claims/check_claims.h"
#include "base/file.h"
#include "knowledge/analyzer.h"

namespace onmal {
namespace {

struct Tally {
  int said = 0, meant = 0, right = 0;
};

// samples/claims.jsonl: our own claims and evidence. The figures go into the test's XML.
TEST(ClaimsSet, ContradictionsAreMostlyRight) {
  const Analyzer analyzer;
  std::istringstream lines(read_file(ONMAL_SOURCE_DIR "/samples/claims.jsonl"));
  std::string line, missed;
  std::map<std::string, std::map<std::string, Tally>> tallies;  // by part, verdict
  int rows = 0, right = 0;
  while (std::getline(lines, line)) {
    const nlohmann::json row = nlohmann::json::parse(line);
    const std::vector<ContextBlock> blocks =
        blocks_of_text(row["evidence"].get<std::string>(), "claims.jsonl");
    const auto claim = row["claim"].get<std::string>();
    const ClaimReport report = check_claims(Evidence(blocks, analyzer), claim);
    const std::string said = report.claims.empty()
                                 ? "no claim"
                                 : std::string(claim_verdict_name(report.claims[0].verdict));
    const auto meant = row["verdict"].get<std::string>();
    const auto part = row["part"].get<std::string>();
    ++rows;
    right += said == meant ? 1 : 0;
    ++tallies[part][said].said;
    ++tallies[part][meant].meant;
    tallies[part][meant].right += said == meant ? 1 : 0;
    if (said == meant || part != "tuning") continue;
    missed += meant + " as " + said;
    if (!report.claims.empty())
      missed.append(" ")
          .append(claim_reason_name(report.claims[0].reason))
          .append(" ")
          .append(std::to_string(report.claims[0].score));
    missed += ": " + claim + "\n";
  }
  Tally contradicted;
  for (const auto& [part, verdicts] : tallies) {
    for (const auto& [verdict, tally] : verdicts) {
      RecordProperty(part + "_" + verdict, std::to_string(tally.right) + " right of " +
                                               std::to_string(tally.said) + " said and " +
                                               std::to_string(tally.meant) + " meant");
      if (verdict != "contradicted") continue;
      contradicted.said += tally.said;
      contradicted.meant += tally.meant;
      contradicted.right += tally.right;
    }
  }
  RecordProperty("right", std::to_string(right) + " of " + std::to_string(rows));
  RecordProperty("missed_in_tuning", missed);
  EXPECT_GE(rows, 120);
  EXPECT_GE(10 * contradicted.right, 9 * contradicted.said) << "precision";
  EXPECT_GE(2 * contradicted.right, contradicted.meant) << "recall";
  EXPECT_GE(10 * right, 6 * rows);
}

}  // namespace
}  // namespace onmal

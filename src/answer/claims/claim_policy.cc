#include "answer/claims/claim_policy.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace onmal {
namespace {

constexpr std::array<std::string_view, 4> kActionNames = {"off", "mark", "warn", "block"};

}  // namespace

std::string_view claim_action_name(ClaimAction action) {
  return kActionNames[static_cast<size_t>(action)];
}

ClaimAction claim_action_of(std::string_view name, const std::string& where) {
  const auto found = std::find(kActionNames.begin(), kActionNames.end(), name);
  if (found == kActionNames.end()) {
    throw Error(ErrorCode::kInvalidArgument, where, "unknown action '" + std::string(name) + "'",
                "known: off, mark, warn, block");
  }
  return static_cast<ClaimAction>(found - kActionNames.begin());
}

bool is_contradicted(const ClaimReport& report, double least_score) {
  return std::any_of(report.claims.begin(), report.claims.end(), [&](const CheckedClaim& claim) {
    return claim.verdict == ClaimVerdict::kContradicted && claim.score >= least_score;
  });
}

std::string withheld_text(std::string_view language) {
  return language == "ko" ? "답변이 문서의 내용과 어긋나 보여 드리지 않습니다."
                          : "The answer is withheld: the documents say otherwise.";
}

}  // namespace onmal

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "answer/claims/check_claims.h"

namespace onmal {

// What is done about an answer with claims that its passages contradict.
enum class ClaimAction : uint8_t {
  kOff,    // claims are not checked
  kMark,   // their verdicts are told
  kWarn,   // and a warning where one is contradicted
  kBlock,  // the answer is withheld where one is contradicted
};
// "off", "mark", "warn", "block".
std::string_view claim_action_name(ClaimAction action);
// Throws Error(kInvalidArgument) naming the four.
ClaimAction claim_action_of(std::string_view name, const std::string& where);

// Whether a claim is contradicted with a score of at least `least_score`.
bool is_contradicted(const ClaimReport& report, double least_score = 0.0);

// What is shown instead of a withheld answer, in "ko" or "en".
std::string withheld_text(std::string_view language);

}  // namespace onmal

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "answer/grounded/evidence.h"

namespace onmal {

// What a comparison of a claim with a stretch of a passage rests on.
enum class ClaimReason : uint8_t {
  kNone,      // nothing alike was found
  kWording,   // the words they share
  kNumber,    // another number of the same unit
  kDate,      // another day, month, year or weekday
  kName,      // another name in the same place
  kNegation,  // one denies what the other says
  kOpposite,  // words of opposite sense
  kModel,     // an entailment model
};
std::string_view claim_reason_name(ClaimReason reason);  // "none", "wording", "number" …

enum class ClaimVerdict : uint8_t { kSupported, kContradicted, kNotFound };
std::string_view claim_verdict_name(ClaimVerdict verdict);  // "supported", …, "not_found"

// What the rules need of wording to say anything; shares of the claim's weight but for `reverse`.
struct ClaimThresholds {
  double supported = 0.6;  // the passage has at least so much of the claim
  double alike = 0.6;      // so much of it besides what differs: then a difference contradicts
  double reverse = 0.4;    // the claim has so much of the passage's clause, too
};

// How a claim compares with one stretch by rules alone.
struct RuleFinding {
  ClaimVerdict verdict = ClaimVerdict::kNotFound;
  ClaimReason reason = ClaimReason::kNone;
  double coverage = 0;  // share of the claim's weight that the stretch has, numbers aside
  double score = 0;     // 0 to 1: how much the verdict rests on; no probability
};

// Compares a claim's clause with a stretch of block `block` (a sentence, or two). Numbers, dates,
// names and denials are compared after normalisation. What differs contradicts only where the rest
// is alike both ways; a number or a name that the stretch lacks altogether makes kNotFound.
// `context`: see context_terms().
RuleFinding compare_by_rules(const Evidence& evidence, std::string_view clause, size_t block,
                             TextSpan stretch, const std::vector<int32_t>& context,
                             const ClaimThresholds& thresholds);

// Terms that every sentence of a block is held to say, too: those of its headings, and of what its
// first sentence is about (up to 은, 는, 이, 가; before "is", "was", "has" …). Sorted.
std::vector<int32_t> context_terms(const Evidence& evidence, size_t block);

// A text without its numbers and dates, their particles, and words that deny (spaces stand for
// them): what claims and passages are found alike by.
std::string content_of(std::string_view text);

}  // namespace onmal

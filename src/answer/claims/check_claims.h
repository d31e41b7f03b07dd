#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "answer/claims/entailment.h"
#include "answer/claims/rules.h"
#include "answer/grounded/evidence.h"

namespace onmal {

struct ClaimOptions {
  ClaimThresholds rules;
  size_t most_bytes = 65536;  // of the answer that are read
  size_t most_claims = 200;
  size_t stretches = 3;         // of the passages, that a claim is compared with
  double least_coverage = 0.3;  // of a stretch, for the model to be asked
  // What the model's probability must reach to decide; above 1: never.
  double model_entailment = 0.8;
  double model_contradiction = 0.9;
};

// Where a passage speaks of a claim.
struct ClaimEvidence {
  int64_t passage = 0;          // the block's number; 0: nowhere
  int64_t begin_character = 0;  // of its document's text
  int64_t end_character = 0;
  std::string quote;
};

struct CheckedClaim {
  size_t begin = 0;  // bytes of the answer
  size_t end = 0;
  std::string text;
  ClaimVerdict verdict = ClaimVerdict::kNotFound;
  ClaimReason reason = ClaimReason::kNone;
  double score = 0;  // 0 to 1: of the rules what the verdict rests on, of the model its
                     // probability; for kNotFound the best coverage
  ClaimEvidence evidence;
};

struct ClaimReport {
  std::vector<CheckedClaim> claims;
  size_t sentences = 0;     // of the answer, with those that claim nothing
  size_t unread_bytes = 0;  // of an answer that is too long

  size_t count(ClaimVerdict verdict) const;
};

// Checks what an answer claims against passages: the nearest sentences, or pairs of them, by rules
// and, where `model` is given, by entailment. A claim of several clauses is contradicted where one
// is, and supported where all are. Without passages nothing is found. Passages are in NFC.
ClaimReport check_claims(const Evidence& evidence, std::string_view answer,
                         const EntailmentModel* model = nullptr, const ClaimOptions& options = {},
                         const std::stop_token& stop = {});

// A plain text as the one block of an Evidence, named `source`, in NFC. Throws
// Error(kInvalidArgument) for a blank text or one that is not UTF-8.
std::vector<ContextBlock> blocks_of_text(std::string_view text, const std::string& source);

}  // namespace onmal

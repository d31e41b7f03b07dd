#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "answer/claims/claim_policy.h"
#include "cli/json_output.h"

namespace onmal {

// How claims are checked: --claims and --entailment.
struct ClaimCheckOptions {
  std::string action = "mark";
  std::string model;  // an entailment model; "": rules alone
};
void add_claim_options(CLI::App& command, ClaimCheckOptions& options);

// Null without a model.
std::unique_ptr<EntailmentModel> open_entailment(const ClaimCheckOptions& options,
                                                 ThreadPool& pool);

// [{start, end, text, verdict, reason, score, evidence: {passage, start, end, quote}}]: bytes of
// the answer, characters of the passage's document.
Json claims_json(const ClaimReport& report);
void print_claims(CommandContext& context, const ClaimReport& report);

}  // namespace onmal

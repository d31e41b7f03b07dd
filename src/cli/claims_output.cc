#include "cli/claims_output.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/model_options.h"

namespace onmal {

void add_claim_options(CLI::App& command, ClaimCheckOptions& options) {
  command
      .add_option("--claims", options.action,
                  "What is done about claims that the passages contradict: off, mark, warn, block")
      ->check(CLI::IsMember({"off", "mark", "warn", "block"}))
      ->capture_default_str();
  command
      .add_option("--entailment", options.model,
                  "A model of entailment beside the rules: a folder of recipes/entail.sh, or your "
                  "own with such labels")
      ->check(CLI::ExistingDirectory);
}

std::unique_ptr<EntailmentModel> open_entailment(const ClaimCheckOptions& options,
                                                 ThreadPool& pool) {
  return options.model.empty() ? nullptr : load_entailment_model(options.model, pool);
}

Json claims_json(const ClaimReport& report) {
  Json rows = Json::array();
  for (const CheckedClaim& claim : report.claims) {
    Json row = {{"start", claim.begin},
                {"end", claim.end},
                {"text", claim.text},
                {"verdict", claim_verdict_name(claim.verdict)},
                {"reason", claim_reason_name(claim.reason)},
                {"score", std::round(claim.score * 1e4) / 1e4}};
    if (claim.evidence.passage > 0) {
      row["evidence"] = {{"passage", claim.evidence.passage},
                         {"start", claim.evidence.begin_character},
                         {"end", claim.evidence.end_character},
                         {"quote", claim.evidence.quote}};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void print_claims(CommandContext& context, const ClaimReport& report) {
  std::string scratch;
  for (const CheckedClaim& claim : report.claims) {
    const std::string reason =
        claim.reason == ClaimReason::kNone || claim.reason == ClaimReason::kWording
            ? ""
            : fmt::format(" ({})", claim_reason_name(claim.reason));
    std::string line = fmt::format("{:<13}{:.2f}{}  {}", claim_verdict_name(claim.verdict),
                                   claim.score, reason, claim.text);
    if (claim.evidence.passage > 0)
      line += fmt::format("\n    [{}] \"{}\"", claim.evidence.passage, claim.evidence.quote);
    context.out << printable(context, line, scratch) << "\n";
  }
  if (report.unread_bytes > 0)
    context.err << fmt::format("{} bytes of the answer were not checked\n", report.unread_bytes);
}

}  // namespace onmal

#include "answer/claims/check_claims.h"

#include <algorithm>

#include "answer/claims/claim_splitter.h"
#include "base/ascii.h"
#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// A sentence of a passage, or two neighbours.
struct Stretch {
  size_t block = 0;
  TextSpan span{0, 0};
  double coverage = 0;
};

constexpr double kSecondSentenceGain = 0.15;  // what a neighbour must add

// The stretches that have most of a clause's words, the best first.
std::vector<Stretch> pick_stretches(const Evidence& evidence,
                                    const std::vector<std::vector<int32_t>>& contexts,
                                    std::string_view clause, size_t most) {
  const std::vector<WeighedTerm> terms = evidence.weigh(content_of(clause));
  const std::vector<EvidenceSentence>& all = evidence.sentences();
  std::vector<Stretch> found;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::vector<int32_t> known = joined_terms(all[i].terms, contexts[all[i].block]);
    const double alone = coverage(terms, known);
    // What stands in its context alone is not said here.
    if (coverage(terms, all[i].terms) <= 0) continue;
    found.push_back({all[i].block, all[i].span, alone});
    if (i + 1 >= all.size() || all[i + 1].block != all[i].block) continue;
    const double both = coverage(terms, joined_terms(known, all[i + 1].terms));
    const double other = coverage(terms, all[i + 1].terms);
    if (both >= std::max(alone, other) + kSecondSentenceGain)
      found.push_back({all[i].block, {all[i].span.begin, all[i + 1].span.end}, both});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Stretch& a, const Stretch& b) { return a.coverage > b.coverage; });
  if (found.size() > most) found.resize(most);
  return found;
}

// The verdict on one clause and where it comes from.
struct ClauseVerdict {
  RuleFinding finding;
  Stretch stretch;
};

// A supporting stretch outweighs one that differs, where it has as much of the claim: passages may
// disagree, and two sentences may speak of two things.
bool is_better(const RuleFinding& a, const RuleFinding& b) {
  const auto rank = [](const RuleFinding& f) {
    return f.verdict == ClaimVerdict::kNotFound ? 0 : 1;
  };
  if (rank(a) != rank(b)) return rank(a) > rank(b);
  if (a.verdict != b.verdict && a.verdict == ClaimVerdict::kSupported)
    return a.coverage + 1e-9 >= b.coverage;
  return a.coverage > b.coverage + 1e-9;
}

class ClaimChecker {
 public:
  ClaimChecker(const Evidence& evidence, const EntailmentModel* model, const ClaimOptions& options,
               const std::stop_token& stop)
      : evidence_(evidence), model_(model), options_(options), stop_(stop) {
    for (size_t i = 0; i < evidence.blocks().size(); ++i)
      contexts_.push_back(context_terms(evidence, i));
  }

  CheckedClaim check(const CheckableClaim& claim) const {
    if (stop_.stop_requested()) throw Error(ErrorCode::kCancelled, "claims", "stopped");
    CheckedClaim result;
    result.begin = claim.begin;
    result.end = claim.end;
    result.text = claim.text;
    const std::string text = normalize_unicode(claim.text, NormalForm::kNfc);
    std::vector<ClauseVerdict> verdicts;
    for (const TextSpan& clause : split_clauses(text)) {
      // A clause without words of its own (a subject left over) is judged by the others.
      if (evidence_.weigh(clause.in(text)).empty()) continue;
      verdicts.push_back(check_clause(clause.in(text)));
    }
    join(verdicts, result);
    return result;
  }

 private:
  ClauseVerdict check_clause(std::string_view clause) const {
    ClauseVerdict best;
    const std::vector<Stretch> stretches =
        pick_stretches(evidence_, contexts_, clause, options_.stretches);
    for (size_t i = 0; i < stretches.size(); ++i) {
      const Stretch& stretch = stretches[i];
      const RuleFinding finding = compare_by_rules(evidence_, clause, stretch.block, stretch.span,
                                                   contexts_[stretch.block], options_.rules);
      if (i == 0 || is_better(finding, best.finding)) best = {finding, stretch};
    }
    if (best.finding.verdict == ClaimVerdict::kNotFound) best.finding.score = best.finding.coverage;
    if (model_ != nullptr) ask_model(clause, stretches, best);
    return best;
  }

  // The model decides where the rules see no difference; it cannot undo one that they saw.
  void ask_model(std::string_view clause, const std::vector<Stretch>& stretches,
                 ClauseVerdict& best) const {
    if (best.finding.verdict == ClaimVerdict::kContradicted) return;
    std::vector<std::pair<std::string, std::string>> pairs;
    std::vector<const Stretch*> asked;
    for (const Stretch& stretch : stretches) {
      if (stretch.coverage < options_.least_coverage) continue;
      const std::string_view text = evidence_.blocks()[stretch.block].text;
      pairs.emplace_back(std::string(stretch.span.in(text)), std::string(clause));
      asked.push_back(&stretch);
    }
    if (pairs.empty()) return;
    const std::vector<EntailmentScores> said = model_->judge(pairs, stop_);
    for (size_t i = 0; i < said.size(); ++i) {
      const bool entailed = said[i].entailment >= options_.model_entailment;
      const bool against = said[i].contradiction >= options_.model_contradiction;
      if (entailed && best.finding.verdict == ClaimVerdict::kNotFound)
        best = {
            {ClaimVerdict::kSupported, ClaimReason::kModel, asked[i]->coverage, said[i].entailment},
            *asked[i]};
      if (!against || best.finding.verdict == ClaimVerdict::kSupported) continue;
      best = {{ClaimVerdict::kContradicted, ClaimReason::kModel, asked[i]->coverage,
               said[i].contradiction},
              *asked[i]};
      return;
    }
  }

  void join(const std::vector<ClauseVerdict>& verdicts, CheckedClaim& result) const {
    if (verdicts.empty()) return;
    // The weakest clause decides; one that is contradicted decides at once.
    const auto weight = [](const ClauseVerdict& v) {
      switch (v.finding.verdict) {
        case ClaimVerdict::kContradicted:
          return 0;
        case ClaimVerdict::kNotFound:
          return 1;
        case ClaimVerdict::kSupported:
          break;
      }
      return 2;
    };
    const ClauseVerdict& decisive = *std::min_element(
        verdicts.begin(), verdicts.end(), [&](const ClauseVerdict& a, const ClauseVerdict& b) {
          if (weight(a) != weight(b)) return weight(a) < weight(b);
          return a.finding.score < b.finding.score;
        });
    result.verdict = decisive.finding.verdict;
    result.reason = decisive.finding.reason;
    result.score = std::clamp(decisive.finding.score, 0.0, 1.0);
    if (decisive.stretch.span.end == decisive.stretch.span.begin) return;
    const ContextBlock& block = evidence_.blocks()[decisive.stretch.block];
    result.evidence = {block.id, block.character_at(decisive.stretch.span.begin),
                       block.character_at(decisive.stretch.span.end),
                       std::string(decisive.stretch.span.in(block.text))};
  }

  const Evidence& evidence_;
  const EntailmentModel* model_;
  const ClaimOptions& options_;
  const std::stop_token& stop_;
  std::vector<std::vector<int32_t>> contexts_;  // of each block
};

}  // namespace

size_t ClaimReport::count(ClaimVerdict verdict) const {
  return static_cast<size_t>(
      std::count_if(claims.begin(), claims.end(),
                    [&](const CheckedClaim& claim) { return claim.verdict == verdict; }));
}

ClaimReport check_claims(const Evidence& evidence, std::string_view answer,
                         const EntailmentModel* model, const ClaimOptions& options,
                         const std::stop_token& stop) {
  ClaimReport report;
  const SplitClaims split = split_claims(answer, static_cast<int64_t>(evidence.blocks().size()),
                                         options.most_bytes, options.most_claims);
  report.sentences = split.sentences;
  report.unread_bytes = answer.size() - split.read_bytes;
  const ClaimChecker checker(evidence, model, options, stop);
  for (const CheckableClaim& claim : split.claims) report.claims.push_back(checker.check(claim));
  return report;
}

std::vector<ContextBlock> blocks_of_text(std::string_view text, const std::string& source) {
  if (trim_ascii(text).empty())
    throw Error(ErrorCode::kInvalidArgument, source, "has no text to check claims against");
  if (find_invalid_utf8(text) != std::string_view::npos)
    throw Error(ErrorCode::kInvalidArgument, source, "is not UTF-8", "convert it first");
  ContextBlock block;
  block.id = 1;
  block.source = source;
  block.text = normalize_unicode(text, NormalForm::kNfc);
  block.segments.push_back({0, 0, 0, 0});
  return {std::move(block)};
}

}  // namespace onmal

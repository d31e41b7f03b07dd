#include "answer/claims/rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <type_traits>
#include <vector>

#include "answer/claims/claim_splitter.h"
#include "answer/claims/quantities.h"
#include "answer/claims/wording.h"
#include "text/hangul.h"
#include "text/korean_stem.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// Weight of each kind of difference in a verdict's score: how seldom it is chance, by judgement.
constexpr double kNumberTrust = 0.9;
constexpr double kNameTrust = 0.8;
constexpr double kDenialTrust = 0.8;
constexpr double kOppositeTrust = 0.75;

void blank(std::string& text, TextSpan span) {
  std::fill(text.begin() + static_cast<std::ptrdiff_t>(span.begin),
            text.begin() + static_cast<std::ptrdiff_t>(span.end), ' ');
}

std::vector<int32_t> term_ids(const std::vector<WeighedTerm>& terms) {
  std::vector<int32_t> ids;
  for (const WeighedTerm& term : terms) {
    if (term.id >= 0) ids.push_back(term.id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

// A number with the particles or the copula right behind it, so that none stays as a word.
TextSpan with_particles(std::string_view text, TextSpan span) {
  std::u32string behind;
  size_t end = span.end;
  while (end < text.size()) {
    const Utf8Char c = read_utf8(text, end);
    if (!c.valid || !is_hangul_syllable(c.code)) break;
    behind += static_cast<char32_t>(c.code);
    end += c.length;
  }
  return !behind.empty() && is_only_particles(behind) ? TextSpan{span.begin, end} : span;
}

// What a sentence is about: its first words up to one with 은, 는, 이 or 가, or before a verb that
// often follows a subject; "" where neither stands among the first six.
std::string_view topic_of(std::string_view sentence) {
  constexpr std::array<std::string_view, 14> kVerbs = {"is",   "was", "are",  "were",  "has",
                                                       "have", "had", "can",  "may",   "does",
                                                       "do",   "did", "will", "stands"};
  constexpr size_t kMostWords = 6;
  size_t begin = 0;
  for (size_t i = 0; i < kMostWords && begin < sentence.size(); ++i) {
    const size_t end = std::min(sentence.find(' ', begin), sentence.size());
    const std::string_view word = sentence.substr(begin, end - begin);
    const bool verb = std::find(kVerbs.begin(), kVerbs.end(), word) != kVerbs.end();
    if (verb) return sentence.substr(0, begin);
    for (const std::string_view particle : {"은", "는", "이", "가"}) {
      if (word.size() > particle.size() + 3 && word.ends_with(particle))
        return sentence.substr(0, end);
    }
    begin = end + 1;
  }
  return {};
}

// A clause of the passage that a claim is compared with.
struct Clause {
  std::string text;
  std::string words;    // without numbers
  double coverage = 0;  // of the claim's words
};

class Comparison {
 public:
  Comparison(const Evidence& evidence, std::string_view claim, size_t block, TextSpan stretch,
             const std::vector<int32_t>& context, const ClaimThresholds& thresholds)
      : evidence_(evidence),
        claim_(claim),
        stretch_(stretch.in(evidence.blocks()[block].text)),
        context_(context),
        thresholds_(thresholds),
        claim_numbers_(read_numbers(claim)),
        claim_names_(find_names(claim)),
        claim_words_(content_of(claim)) {}

  RuleFinding run() {
    const std::vector<WeighedTerm> claim_terms = evidence_.weigh(claim_words_);
    RuleFinding finding;
    if (claim_terms.empty()) return finding;
    finding.coverage = coverage_of(claim_words_, stretch_);
    read_clauses();
    if (const auto reason = find_difference()) {
      finding.reason = *reason;
      finding.verdict = ClaimVerdict::kContradicted;
      finding.score = trust(*reason) * alike_;
      return finding;
    }
    if (finding.coverage < thresholds_.supported || !says_all()) return finding;
    finding.verdict = ClaimVerdict::kSupported;
    finding.reason = ClaimReason::kWording;
    finding.score = finding.coverage;
    return finding;
  }

 private:
  static double trust(ClaimReason reason) {
    switch (reason) {
      case ClaimReason::kNumber:
      case ClaimReason::kDate:
        return kNumberTrust;
      case ClaimReason::kName:
        return kNameTrust;
      case ClaimReason::kNegation:
        return kDenialTrust;
      default:
        return kOppositeTrust;
    }
  }

  // Share of a text's weight that another text and the headings above it have.
  double coverage_of(std::string_view text, std::string_view other) const {
    const std::vector<int32_t> ids = joined_terms(term_ids(evidence_.weigh(other)), context_);
    return coverage(evidence_.weigh(text), ids);
  }

  void read_clauses() {
    for (const TextSpan& sentence : split_sentences(stretch_)) {
      for (const TextSpan& span : split_clauses(sentence.in(stretch_))) {
        const std::string_view text = span.in(sentence.in(stretch_));
        Clause clause{std::string(text), content_of(text), 0};
        clause.coverage = coverage_of(claim_words_, clause.text);
        clauses_.push_back(std::move(clause));
      }
    }
    best_ =
        std::max_element(clauses_.begin(), clauses_.end(),
                         [](const Clause& a, const Clause& b) { return a.coverage < b.coverage; });
  }

  // What the clause nearest to the claim says otherwise.
  std::optional<ClaimReason> find_difference() {
    if (best_ == clauses_.end()) return std::nullopt;
    if (differs_in_numbers()) return ClaimReason::kNumber;
    if (differs_in_dates()) return ClaimReason::kDate;
    if (const auto reason = differs_in_names()) return reason;
    if (differs_in_denial()) return ClaimReason::kNegation;
    if (differs_in_sense()) return ClaimReason::kOpposite;
    return std::nullopt;
  }

  // Alike enough, both ways, once what differs is left out of both.
  bool is_alike(const std::string& claim, const std::string& clause, bool whole_stretch) {
    alike_ = coverage_of(claim, whole_stretch ? stretch_ : clause);
    return alike_ >= thresholds_.alike && coverage_of(clause, claim) >= thresholds_.reverse;
  }

  bool differs_in_numbers() {
    if (claim_numbers_.quantities.empty()) return false;
    const TextNumbers theirs = read_numbers(best_->text);
    const std::vector<Quantity> all = read_numbers(stretch_).quantities;
    for (const Quantity& mine : claim_numbers_.quantities) {
      bool other = false;
      for (const Quantity& their : theirs.quantities) {
        // A number that the claim has elsewhere is not what this one should have been.
        const bool used =
            std::any_of(claim_numbers_.quantities.begin(), claim_numbers_.quantities.end(),
                        [&](const Quantity& q) { return compare(q, their) == NumberMatch::kSame; });
        other = other || (!used && compare(mine, their) == NumberMatch::kDifferent);
      }
      if (!other || has_same(mine, theirs.quantities)) continue;
      if (has_same(mine, all) && !is_clearly_nearest(mine)) continue;
      if (is_alike(claim_words_, best_->words, true)) return true;
    }
    return differs_in_bare_number(theirs.quantities);
  }

  // Numbers without a unit: only where there is one on each side and little else differs.
  bool differs_in_bare_number(const std::vector<Quantity>& theirs) {
    const std::vector<Quantity>& mine = claim_numbers_.quantities;
    if (mine.size() != 1 || theirs.size() != 1 || !mine[0].unit.empty() || !theirs[0].unit.empty())
      return false;
    const bool same = std::abs(mine[0].value - theirs[0].value) < 1e-9 || mine[0].about;
    if (same || mine[0].in_range || theirs[0].in_range) return false;
    return is_alike(claim_words_, best_->words, true) && alike_ >= kBareNumberShare;
  }

  // The same number stands in another clause that has far less of the claim.
  template <typename Value>
  bool is_clearly_nearest(const Value& mine) const {
    return std::none_of(clauses_.begin(), clauses_.end(), [&](const Clause& clause) {
      const bool near = clause.coverage > best_->coverage - kClearlyNearest;
      return near && has_same(mine, values_of<Value>(read_numbers(clause.text)));
    });
  }
  template <typename Value>
  static std::vector<Value> values_of(const TextNumbers& numbers) {
    if constexpr (std::is_same_v<Value, Quantity>)
      return numbers.quantities;
    else
      return numbers.dates;
  }

  static bool has_same(const Quantity& mine, const std::vector<Quantity>& theirs) {
    return std::any_of(theirs.begin(), theirs.end(), [&](const Quantity& their) {
      return compare(mine, their) == NumberMatch::kSame;
    });
  }
  static bool has_same(const CalendarDate& mine, const std::vector<CalendarDate>& theirs) {
    return std::any_of(theirs.begin(), theirs.end(), [&](const CalendarDate& their) {
      return compare(mine, their) == NumberMatch::kSame;
    });
  }

  bool differs_in_dates() {
    const std::vector<CalendarDate> theirs = read_numbers(best_->text).dates;
    const std::vector<CalendarDate> all = read_numbers(stretch_).dates;
    for (const CalendarDate& mine : claim_numbers_.dates) {
      const bool other = std::any_of(theirs.begin(), theirs.end(), [&](const CalendarDate& their) {
        return compare(mine, their) == NumberMatch::kDifferent;
      });
      if (!other || has_same(mine, theirs)) continue;
      if (has_same(mine, all) && !is_clearly_nearest(mine)) continue;
      if (is_alike(claim_words_, best_->words, true)) return true;
    }
    return false;
  }

  std::optional<ClaimReason> differs_in_names() {
    const std::vector<NamedThing> theirs = find_names(best_->text);
    for (const NamedThing& mine : claim_names_) {
      if (is_said(mine.name, stretch_)) continue;
      for (const NamedThing& their : theirs) {
        if (their.kind != mine.kind || their.role != mine.role || is_said(their.name, claim_))
          continue;
        std::string claim(claim_);
        std::string clause = best_->text;
        blank(claim, mine.span);
        blank(clause, their.span);
        if (!is_alike(content_of(claim), content_of(clause), true)) continue;
        return mine.kind == NameKind::kWeekday ? ClaimReason::kDate : ClaimReason::kName;
      }
    }
    return std::nullopt;
  }

  static bool is_said(std::string_view name, std::string_view text) {
    return lowered(text).find(lowered(name)) != std::string::npos;
  }
  static std::string lowered(std::string_view text) {
    std::string low(text);
    for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return low;
  }

  bool differs_in_denial() {
    const Polarity mine = polarity(claim_);
    const Polarity theirs = polarity(best_->text);
    if (mine == Polarity::kOpen || theirs == Polarity::kOpen || mine == theirs) return false;
    if (find_opposites(claim_, best_->text)) return false;  // both cancel out
    return is_alike(claim_words_, best_->words, true) && best_->coverage >= kDenialShare;
  }

  bool differs_in_sense() {
    const auto found = find_opposites(claim_, best_->text);
    if (!found || polarity(claim_) != polarity(best_->text)) return false;
    std::string claim = claim_words_;
    std::string clause = best_->words;
    const size_t in_claim = lowered(claim).find(found->claim);
    const size_t in_clause = lowered(clause).find(found->evidence);
    if (in_claim != std::string::npos) blank(claim, {in_claim, in_claim + found->claim.size()});
    if (in_clause != std::string::npos)
      blank(clause, {in_clause, in_clause + found->evidence.size()});
    return is_alike(claim, clause, true);
  }

  // Every number, date and name of the claim stands in the stretch, and neither denies the other.
  bool says_all() const {
    const TextNumbers theirs = read_numbers(stretch_);
    for (const Quantity& mine : claim_numbers_.quantities) {
      if (!has_same(mine, theirs.quantities)) return false;
    }
    for (const CalendarDate& mine : claim_numbers_.dates) {
      if (!has_same(mine, theirs.dates)) return false;
    }
    for (const NamedThing& mine : claim_names_) {
      if (!is_said(mine.name, stretch_)) return false;
    }
    const Polarity mine = polarity(claim_);
    return best_ == clauses_.end() || mine == polarity(best_->text);
  }

  static constexpr double kClearlyNearest = 0.3;  // of coverage; then a number in another clause
                                                  // is another thing's
  static constexpr double kBareNumberShare = 0.8;
  static constexpr double kDenialShare = 0.5;

  const Evidence& evidence_;
  std::string_view claim_;
  std::string_view stretch_;
  const std::vector<int32_t>& context_;
  ClaimThresholds thresholds_;
  TextNumbers claim_numbers_;
  std::vector<NamedThing> claim_names_;
  std::string claim_words_;
  std::vector<Clause> clauses_;
  std::vector<Clause>::const_iterator best_;
  double alike_ = 0;
};

}  // namespace

std::string_view claim_reason_name(ClaimReason reason) {
  switch (reason) {
    case ClaimReason::kNone:
      return "none";
    case ClaimReason::kWording:
      return "wording";
    case ClaimReason::kNumber:
      return "number";
    case ClaimReason::kDate:
      return "date";
    case ClaimReason::kName:
      return "name";
    case ClaimReason::kNegation:
      return "negation";
    case ClaimReason::kOpposite:
      return "opposite";
    case ClaimReason::kModel:
      return "model";
  }
  return "none";
}

std::string_view claim_verdict_name(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::kSupported:
      return "supported";
    case ClaimVerdict::kContradicted:
      return "contradicted";
    case ClaimVerdict::kNotFound:
      return "not_found";
  }
  return "not_found";
}

std::string content_of(std::string_view text) {
  std::string out(text);
  const TextNumbers numbers = read_numbers(text);
  for (const Quantity& quantity : numbers.quantities)
    blank(out, with_particles(text, quantity.span));
  for (const CalendarDate& date : numbers.dates) blank(out, with_particles(text, date.span));
  for (const TextSpan& word : denying_words(text)) blank(out, word);
  return out;
}

std::vector<int32_t> context_terms(const Evidence& evidence, size_t block) {
  const std::string_view text = evidence.blocks()[block].text;
  const std::vector<TextSpan> sentences = split_sentences(text);
  if (sentences.empty()) return evidence.heading_terms(block);
  const std::string_view topic = topic_of(sentences[0].in(text));
  return joined_terms(evidence.heading_terms(block), term_ids(evidence.weigh(topic)));
}

RuleFinding compare_by_rules(const Evidence& evidence, std::string_view clause, size_t block,
                             TextSpan stretch, const std::vector<int32_t>& context,
                             const ClaimThresholds& thresholds) {
  return Comparison(evidence, clause, block, stretch, context, thresholds).run();
}

}  // namespace onmal

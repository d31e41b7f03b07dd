#include "answer/grounded/citations.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "answer/pieces.h"

namespace onmal {
namespace {

// Shares of a claim's weight; below kSupported the wording may be the model's own.
constexpr double kSupportedShare = 0.6;
constexpr double kWeakShare = 0.35;
constexpr double kQuotedNeighbourGain = 0.1;  // of a second sentence, to be quoted too

constexpr std::array<std::string_view, 9> kKoreanNegations = {
    "않", "아니", "없", "못하", "못했", "못한", "안 되", "안 된", "안 했"};
constexpr std::array<std::string_view, 7> kEnglishNegations = {
    " not ", "n't ", " no ", " never ", " cannot ", " neither ", " without "};

// The number of a citation "[n]" at `at` and its length; length 0: none.
struct Written {
  int64_t id = 0;
  size_t length = 0;
};
Written citation_at(std::string_view text, size_t at, int64_t count) {
  if (text[at] != '[') return {};
  const char* const first = text.data() + at + 1;
  const char* const last = text.data() + text.size();
  int64_t id = 0;
  const auto read = std::from_chars(first, last, id);
  if (read.ec != std::errc() || read.ptr == last || *read.ptr != ']' || *first == '-') return {};
  if (id < 1 || id > count) return {};
  return {id, static_cast<size_t>(read.ptr - first) + 2};
}

bool is_negated(std::string_view text) {
  const auto in = [&](std::string_view word) { return text.find(word) != std::string_view::npos; };
  return std::any_of(kKoreanNegations.begin(), kKoreanNegations.end(), in) ||
         std::any_of(kEnglishNegations.begin(), kEnglishNegations.end(), in);
}

std::vector<std::string> numbers_of(std::string_view text) {
  std::vector<std::string> numbers;
  for (FixedPart& part : find_fixed_parts(text)) {
    if (part.kind == FixedPart::Kind::kNumber) numbers.push_back(std::move(part.text));
  }
  return numbers;
}

size_t count_missing(const std::vector<std::string>& wanted, std::string_view text) {
  const std::vector<std::string> there = numbers_of(text);
  return static_cast<size_t>(
      std::count_if(wanted.begin(), wanted.end(), [&](const std::string& number) {
        return std::find(there.begin(), there.end(), number) == there.end();
      }));
}

// A number that the passage lacks, or a "not" on one side alone, is worse than foreign wording.
Support judge(double score, std::string_view claim, std::string_view quote,
              std::string_view block) {
  const std::vector<std::string> numbers = numbers_of(claim);
  if (score < kWeakShare || count_missing(numbers, block) > 0) return Support::kUnsupported;
  if (score < kSupportedShare || count_missing(numbers, quote) > 0 ||
      is_negated(claim) != is_negated(quote))
    return Support::kWeak;
  return Support::kSupported;
}

// The answer without its citations, and where each byte of that stood.
struct Stripped {
  std::string text;
  std::vector<size_t> places;
  std::vector<std::pair<size_t, int64_t>> citations;  // place in `text`, id
};

Stripped strip_citations(std::string_view answer, int64_t count) {
  Stripped out;
  for (size_t at = 0; at < answer.size();) {
    const Written written = citation_at(answer, at, count);
    if (written.length > 0) {
      out.citations.emplace_back(out.text.size(), written.id);
      at += written.length;
      continue;
    }
    out.text += answer[at];
    out.places.push_back(at++);
  }
  return out;
}

BestSpan best_in_all(const Evidence& evidence, std::string_view claim) {
  BestSpan best;
  for (size_t i = 0; i < evidence.blocks().size(); ++i) {
    const BestSpan here = find_support(evidence, claim, i);
    const bool better =
        here.support != best.support ? here.support < best.support : here.score > best.score;
    if (i == 0 || better) best = here;
  }
  return best;
}

}  // namespace

std::string_view support_name(Support support) {
  switch (support) {
    case Support::kSupported:
      return "supported";
    case Support::kWeak:
      return "weak";
    case Support::kUnsupported:
      return "unsupported";
  }
  return "unsupported";
}

int32_t CitationConstraint::next(int32_t state, uint8_t byte) const {
  if (state == kFree) return byte == '[' && count_ > 0 ? 0 : kFree;
  if (byte == ']') return state > 0 ? kFree : kDead;
  if (byte < '0' || byte > '9') return kDead;
  const int64_t number = int64_t{10} * state + (byte - '0');
  return number >= 1 && number <= count_ ? static_cast<int32_t>(number) : kDead;
}

std::vector<Claim> find_claims(std::string_view answer, int64_t count) {
  const Stripped stripped = strip_citations(answer, count);
  const std::vector<TextSpan> sentences = split_sentences(stripped.text);
  std::vector<Claim> claims;
  for (const TextSpan& span : sentences) {
    claims.push_back({stripped.places[span.begin],
                      stripped.places[span.end - 1] + 1,
                      std::string(span.in(stripped.text)),
                      {}});
  }
  for (const auto& [place, id] : stripped.citations) {
    size_t i = 0;
    while (i + 1 < sentences.size() && sentences[i + 1].begin < place) ++i;
    if (claims.empty()) break;
    std::vector<int64_t>& ids = claims[i].ids;
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return claims;
}

BestSpan find_support(const Evidence& evidence, std::string_view claim, size_t block) {
  const std::vector<WeighedTerm> terms = evidence.weigh(claim);
  const std::vector<EvidenceSentence>& all = evidence.sentences();
  BestSpan best;
  best.block = block;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].block != block) continue;
    // Terms of the headings count as said by every sentence under them.
    const std::vector<int32_t> known = joined_terms(all[i].terms, evidence.heading_terms(block));
    const double score = coverage(terms, known);
    if (score > best.score) {
      best.score = score;
      best.span = all[i].span;
    }
    if (i + 1 >= all.size() || all[i + 1].block != block) continue;
    const double both = coverage(terms, joined_terms(known, all[i + 1].terms));
    if (both > best.score + kQuotedNeighbourGain) {
      best.score = both;
      best.span = {all[i].span.begin, all[i + 1].span.end};
    }
  }
  const std::string_view text = evidence.blocks()[block].text;
  best.support = judge(best.score, claim, best.span.in(text), text);
  return best;
}

Citation make_citation(const Evidence& evidence, const BestSpan& best, size_t begin, size_t end) {
  const ContextBlock& block = evidence.blocks()[best.block];
  Citation citation;
  citation.id = block.id;
  citation.begin = begin;
  citation.end = end;
  citation.source = block.source;
  citation.document = block.document;
  citation.page = block.page_at(best.span.begin);
  citation.begin_character = block.character_at(best.span.begin);
  citation.end_character = block.character_at(best.span.end);
  citation.quote = std::string(best.span.in(block.text));
  citation.support = best.support;
  citation.score = best.score;
  return citation;
}

std::vector<Citation> check_citations(const Evidence& evidence, std::string_view answer) {
  std::vector<Citation> citations;
  const auto count = static_cast<int64_t>(evidence.blocks().size());
  for (const Claim& claim : find_claims(answer, count)) {
    for (const int64_t id : claim.ids) {
      const BestSpan best = find_support(evidence, claim.text, static_cast<size_t>(id - 1));
      citations.push_back(make_citation(evidence, best, claim.begin, claim.end));
    }
  }
  return citations;
}

std::vector<Citation> assign_citations(const Evidence& evidence, std::string& answer) {
  std::vector<Citation> citations;
  if (evidence.blocks().empty()) return citations;
  std::string cited;
  size_t done = 0;
  for (const Claim& claim : find_claims(answer, 0)) {
    cited += answer.substr(done, claim.begin - done);
    const size_t begin = cited.size();
    cited += answer.substr(claim.begin, claim.end - claim.begin);
    done = claim.end;
    const BestSpan best = best_in_all(evidence, claim.text);
    if (best.support == Support::kUnsupported) continue;
    Citation citation = make_citation(evidence, best, begin, cited.size());
    citation.assigned = true;
    cited += " [" + std::to_string(citation.id) + "]";
    citations.push_back(std::move(citation));
  }
  answer = cited + answer.substr(done);
  return citations;
}

}  // namespace onmal

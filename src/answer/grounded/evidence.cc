#include "answer/grounded/evidence.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "answer/grounded/question.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr size_t kLongestSentence = 400;  // characters; a longer one is cut at white space
constexpr double kUnseen = 1.0;           // sentences that a term nobody has counts as being in

void sort_unique(std::vector<int32_t>& terms) {
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
}

// Pieces of a sentence (a table, a list without marks) that can be read as an answer.
std::vector<TextSpan> cut_long(std::string_view text, TextSpan span) {
  std::vector<TextSpan> pieces;
  size_t begin = span.begin;
  size_t space = 0;
  size_t characters = 0;
  for (size_t at = span.begin; at < span.end;) {
    if (text[at] == ' ' || text[at] == '\n' || text[at] == '\t') space = at;
    at += read_utf8(text, at).length;
    if (++characters < kLongestSentence || at >= span.end) continue;
    const size_t end = space > begin ? space : at;
    pieces.push_back({begin, end});
    begin = space > begin ? space + 1 : at;
    at = begin;
    characters = 0;
  }
  if (begin < span.end) pieces.push_back({begin, span.end});
  return pieces;
}

}  // namespace

Evidence::Evidence(std::span<const ContextBlock> blocks, const Analyzer& analyzer)
    : blocks_(blocks), analyzer_(analyzer), headings_(blocks.size()), block_terms_(blocks.size()) {
  analyzer_.analyze(plain_words(), [&](const Term& term) { plain_.insert(term.text); });
  for (size_t i = 0; i < blocks.size(); ++i) add_block(i);
  sentences_with_.resize(numbers_.size());
  // Copies count once: what ten versions of a document say is no commoner for that.
  std::set<std::vector<int32_t>> distinct;
  for (const EvidenceSentence& sentence : sentences_) {
    if (!distinct.insert(sentence.terms).second) continue;
    for (const int32_t term : sentence.terms) ++sentences_with_[static_cast<size_t>(term)];
  }
  distinct_ = static_cast<double>(distinct.size());
}

int32_t Evidence::number_of(const std::string& term) {
  return numbers_.emplace(term, static_cast<int32_t>(numbers_.size())).first->second;
}

std::vector<int32_t> Evidence::terms_of(std::string_view text) {
  std::vector<int32_t> terms;
  analyzer_.analyze(text, [&](const Term& term) { terms.push_back(number_of(term.text)); });
  sort_unique(terms);
  return terms;
}

void Evidence::add_block(size_t index) {
  const ContextBlock& block = blocks_[index];
  std::string headings = block.title;
  for (const std::string& heading : block.headings) headings += "\n" + heading;
  headings_[index] = terms_of(headings);
  for (const TextSpan& sentence : split_sentences(block.text)) {
    for (const TextSpan& span : cut_long(block.text, sentence)) {
      std::vector<int32_t> terms = terms_of(span.in(block.text));
      if (terms.empty()) continue;
      block_terms_[index] = joined_terms(block_terms_[index], terms);
      sentences_.push_back({index, span, std::move(terms)});
    }
  }
}

std::vector<WeighedTerm> Evidence::weigh(std::string_view text) const {
  std::set<std::string> seen;
  std::vector<WeighedTerm> result;
  double total = 0;
  analyzer_.analyze(text, [&](const Term& term) {
    if (plain_.contains(term.text) || !seen.insert(term.text).second) return;
    const auto known = numbers_.find(term.text);
    const int32_t id = known == numbers_.end() ? -1 : known->second;
    const auto with = id < 0 ? int64_t{0} : sentences_with_[static_cast<size_t>(id)];
    const double weight =
        std::log(1.0 + std::max(distinct_, 1.0) / (with > 0 ? static_cast<double>(with) : kUnseen));
    result.push_back({id, weight});
    total += weight;
  });
  for (WeighedTerm& term : result) term.weight /= total;
  return result;
}

double coverage(std::span<const WeighedTerm> question, std::span<const int32_t> terms) {
  double sum = 0;
  for (const WeighedTerm& term : question) {
    if (term.id >= 0 && std::binary_search(terms.begin(), terms.end(), term.id)) sum += term.weight;
  }
  return sum;
}

std::vector<int32_t> joined_terms(std::span<const int32_t> a, std::span<const int32_t> b) {
  std::vector<int32_t> all;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  return all;
}

}  // namespace onmal

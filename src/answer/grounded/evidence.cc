#include "answer/grounded/evidence.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "answer/grounded/question.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// Characters; a longer sentence is cut behind a clause, else at white space.
constexpr size_t kLongestSentence = 400;
constexpr size_t kShortestPiece = 120;     // where a clause may end
constexpr std::string_view kCell = " | ";  // between a row's cells, as readers write them
constexpr double kUnseen = 1.0;            // sentences that a term nobody has counts as being in

void sort_unique(std::vector<int32_t>& terms) {
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
}

// Pieces of a sentence (a table, a list without marks) that can be read as an answer.
std::vector<TextSpan> cut_long(std::string_view text, TextSpan span) {
  std::vector<TextSpan> pieces;
  size_t begin = span.begin;
  size_t space = 0, clause = 0;
  size_t characters = 0;
  for (size_t at = span.begin; at < span.end;) {
    if (text[at] == ' ' || text[at] == '\n' || text[at] == '\t') {
      space = at;
      const bool ends =
          at > begin && std::string_view(",;:").find(text[at - 1]) != std::string::npos;
      if (ends && characters >= kShortestPiece) clause = at;
    }
    at += read_utf8(text, at).length;
    if (++characters < kLongestSentence || at >= span.end) continue;
    const size_t cut = clause > begin ? clause : space;
    pieces.push_back({begin, cut > begin ? cut : at});
    begin = cut > begin ? cut + 1 : at;
    at = begin;
    characters = 0;
  }
  if (begin < span.end) pieces.push_back({begin, span.end});
  return pieces;
}

bool is_row(std::string_view line) { return line.find(kCell) != std::string_view::npos; }

// A passage may begin in the middle of a table: there only a row without figures names cells.
bool may_name_cells(std::string_view text, TextSpan row) {
  return row.begin > 0 || row.in(text).find_first_of("0123456789") == std::string_view::npos;
}

std::vector<std::string_view> cells_of(std::string_view row) {
  std::vector<std::string_view> cells;
  for (size_t begin = 0;;) {
    const size_t end = row.find(kCell, begin);
    cells.push_back(row.substr(begin, end - begin));
    if (end == row.npos) return cells;
    begin = end + kCell.size();
  }
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
  // Lines of rows are tables; what lies between them is prose.
  size_t prose = 0;
  std::vector<TextSpan> rows;
  for (size_t begin = 0; begin <= block.text.size();) {
    const size_t end = std::min(block.text.find('\n', begin), block.text.size());
    if (is_row(std::string_view(block.text).substr(begin, end - begin))) {
      if (rows.empty()) add_prose(index, {prose, begin});
      rows.push_back({begin, end});
      prose = std::min(end + 1, block.text.size());
    } else if (!rows.empty()) {
      add_table(index, rows);
      rows.clear();
    }
    begin = end + 1;
  }
  if (!rows.empty()) add_table(index, rows);
  add_prose(index, {prose, block.text.size()});
}

void Evidence::add_prose(size_t index, TextSpan prose) {
  const std::string_view text = blocks_[index].text;
  for (const TextSpan& sentence : split_sentences(prose.in(text))) {
    const TextSpan there = {prose.begin + sentence.begin, prose.begin + sentence.end};
    for (const TextSpan& span : cut_long(text, there)) {
      std::vector<int32_t> terms = terms_of(span.in(text));
      if (terms.empty()) continue;
      block_terms_[index] = joined_terms(block_terms_[index], terms);
      sentences_.push_back({index, span, std::move(terms)});
    }
  }
}

void Evidence::add_table(size_t index, std::span<const TextSpan> rows) {
  const std::string_view text = blocks_[index].text;
  const std::vector<int32_t> header_terms = terms_of(rows[0].in(text));
  const size_t columns = cells_of(rows[0].in(text)).size();
  const bool named = rows.size() > 1 && may_name_cells(text, rows[0]);
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool below = i > 0 && named && cells_of(rows[i].in(text)).size() == columns;
    for (const TextSpan& span : cut_long(text, rows[i])) {
      std::vector<int32_t> terms = terms_of(span.in(text));
      if (terms.empty()) continue;
      block_terms_[index] = joined_terms(block_terms_[index], terms);
      EvidenceSentence& sentence =
          sentences_.emplace_back(EvidenceSentence{index, span, std::move(terms)});
      sentence.is_header = i == 0 && named;
      if (!below || !(span == rows[i])) continue;
      sentence.header = rows[0];
      sentence.header_terms = header_terms;
    }
  }
}

std::string Evidence::readable(const EvidenceSentence& sentence) const {
  const std::string_view text = blocks_[sentence.block].text;
  if (sentence.header.begin == sentence.header.end) return std::string(sentence.span.in(text));
  const std::vector<std::string_view> names = cells_of(sentence.header.in(text));
  const std::vector<std::string_view> cells = cells_of(sentence.span.in(text));
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].empty()) continue;
    if (!line.empty()) line += "; ";
    if (!names[i].empty()) line.append(names[i]).append(": ");
    line += cells[i];
  }
  return line;
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

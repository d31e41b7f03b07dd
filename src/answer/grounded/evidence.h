#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer/grounded/context.h"
#include "knowledge/analyzer.h"
#include "text/sentences.h"

namespace onmal {

// A term of a question or a claim; the weights of all add up to 1.
struct WeighedTerm {
  int32_t id;  // below 0: no passage has it
  double weight;
};

struct EvidenceSentence {
  size_t block;                // index
  TextSpan span;               // bytes of the block's text
  std::vector<int32_t> terms;  // sorted, each once
  // Of a table's row below another one: the first row of its table, which names the cells.
  TextSpan header = {0, 0};
  std::vector<int32_t> header_terms = {};
  bool is_header = false;  // rows stand below it
};

// The sentences of passages (a row of a table is one, a very long one is several) as sets of search
// terms, with how rare each term is among them. The blocks and the analyzer must outlive it.
class Evidence {
 public:
  Evidence(std::span<const ContextBlock> blocks, const Analyzer& analyzer);

  std::span<const ContextBlock> blocks() const { return blocks_; }
  const std::vector<EvidenceSentence>& sentences() const { return sentences_; }
  std::string_view text_of(const EvidenceSentence& sentence) const {
    return sentence.span.in(blocks_[sentence.block].text);
  }
  // Terms of a block's headings and title, sorted.
  const std::vector<int32_t>& heading_terms(size_t block) const { return headings_[block]; }
  // A sentence to be read alone: a row of a table as "name: cell; name: cell", all else as it
  // stands.
  std::string readable(const EvidenceSentence& sentence) const;
  const std::vector<int32_t>& block_terms(size_t block) const { return block_terms_[block]; }

  // The terms of a text, each once, but plain words (see plain_words()). A term's weight goes with
  // ln(1 + S / s), S different sentences, s of them with the term (1 for one that none has).
  std::vector<WeighedTerm> weigh(std::string_view text) const;

 private:
  int32_t number_of(const std::string& term);
  std::vector<int32_t> terms_of(std::string_view text);
  void add_block(size_t block);
  void add_prose(size_t block, TextSpan span);
  void add_table(size_t block, std::span<const TextSpan> rows);

  std::span<const ContextBlock> blocks_;
  const Analyzer& analyzer_;
  std::set<std::string> plain_;
  std::map<std::string, int32_t> numbers_;
  std::vector<int64_t> sentences_with_;  // by term
  double distinct_ = 0;                  // sentences
  std::vector<EvidenceSentence> sentences_;
  std::vector<std::vector<int32_t>> headings_;
  std::vector<std::vector<int32_t>> block_terms_;
};

// Share of a question's weight that a sorted set of terms has: 0 to 1.
double coverage(std::span<const WeighedTerm> question, std::span<const int32_t> terms);

// The union of sorted sets.
std::vector<int32_t> joined_terms(std::span<const int32_t> a, std::span<const int32_t> b);

}  // namespace onmal

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer/grounded/evidence.h"
#include "infer/text_constraint.h"

namespace onmal {

// Whether the passage that a sentence cites says what the sentence says, by the terms and numbers
// they share: no entailment model.
enum class Support : uint8_t { kSupported, kWeak, kUnsupported };
std::string_view support_name(Support support);  // "supported", "weak", "unsupported"

struct Citation {
  int64_t id = 0;    // as the answer writes it: [id]
  size_t begin = 0;  // bytes of the answer: the sentence that it stands for
  size_t end = 0;
  std::string source;
  int64_t document = 0;
  int64_t page = 0;             // of the quote; 0: the format has none
  int64_t begin_character = 0;  // of the quote in the document's text
  int64_t end_character = 0;
  std::string quote;  // what says it best in the passage
  Support support = Support::kUnsupported;
  double score = 0;       // share of the sentence's weight that the quote has
  bool assigned = false;  // not by the model: found afterwards
};

// After "[" comes the number of a passage that exists, and "]": 1 to `count`. All else is free; the
// answer does not end within a citation.
class CitationConstraint : public TextConstraint {
 public:
  explicit CitationConstraint(int64_t count) : count_(count) {}
  int32_t start() const override { return kFree; }
  int32_t next(int32_t state, uint8_t byte) const override;
  bool may_end(int32_t state) const override { return state == kFree; }

 private:
  // Within a citation the state is the number read so far.
  static constexpr int32_t kFree = -2;
  int64_t count_;
};

// A sentence of an answer and the passages it cites.
struct Claim {
  size_t begin;  // bytes of the answer, without citations and white space behind it
  size_t end;
  std::string text;          // without citations
  std::vector<int64_t> ids;  // in order, each once
};

// "… [1]." and "…. [1][2]" both belong to the sentence before. Numbers in brackets outside 1 to
// `count` are text.
std::vector<Claim> find_claims(std::string_view answer, int64_t count);

// The sentence, or two neighbouring ones, of a block that say most of a claim.
struct BestSpan {
  size_t block = 0;  // index
  TextSpan span{0, 0};
  double score = 0;  // share of the claim's weight
  Support support = Support::kUnsupported;
};
BestSpan find_support(const Evidence& evidence, std::string_view claim, size_t block);

// A citation of block `best.block` for bytes [begin, end) of an answer.
Citation make_citation(const Evidence& evidence, const BestSpan& best, size_t begin, size_t end);

// Checks every citation that the answer has. Unsupported ones are given too.
std::vector<Citation> check_citations(const Evidence& evidence, std::string_view answer);

// For an answer that cites nothing: every sentence gets the passage that supports it best, where
// one does at least weakly; " [id]" is put behind it.
std::vector<Citation> assign_citations(const Evidence& evidence, std::string& answer);

}  // namespace onmal

#include "knowledge/lexical/terms.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

namespace onmal {
namespace {

// How much a title says beside the text under it.
constexpr uint32_t kTitleWeight = 3;

// Terms of function words, ascending. Left out on purpose: those that are content as well (IT, US,
// 수, 등).
constexpr std::array<std::string_view, 182> kFunctionTerms = {
    "a",      "about",  "abov",  "after",   "again",   "also",   "an",    "and",     "ani",
    "are",    "as",     "at",    "be",      "been",    "befor",  "below", "between", "both",
    "but",    "by",     "can",   "could",   "did",     "do",     "doe",   "done",    "dure",
    "each",   "either", "for",   "from",    "had",     "has",    "have",  "he",      "her",
    "here",   "him",    "his",   "how",     "if",      "in",     "into",  "is",      "me",
    "more",   "most",   "must",  "my",      "neither", "no",     "nor",   "not",     "of",
    "on",     "onli",   "onto",  "or",      "other",   "our",    "same",  "shall",   "she",
    "should", "so",     "some",  "such",    "than",    "that",   "the",   "their",   "them",
    "then",   "there",  "these", "they",    "this",    "those",  "to",    "too",     "veri",
    "was",    "we",     "were",  "what",    "when",    "where",  "whi",   "which",   "who",
    "whom",   "whose",  "with",  "without", "would",   "you",    "your",  "가요",    "같",
    "같은",   "것",     "관하",  "관한",    "관해",    "그",     "그것",  "그러나",  "그런",
    "그리고", "까",     "까요",  "나요",    "누구",    "는",     "는가",  "니까",    "니다",
    "대하",   "대한",   "대해",  "더",      "되",      "되는",   "된다",  "따라",    "따르",
    "따른",   "또",     "또는",  "를",      "몇",      "모든",   "무엇",  "및",      "세요",
    "습니",   "아니",   "않",    "않는",    "알려",    "았나",   "어디",  "어떤",    "어떻게",
    "언제",   "없",     "없는",  "없다",    "었나",    "여러",   "왜",    "우리",    "위하",
    "위한",   "위해",   "은",    "은가",    "을",      "이것",   "이다",  "이런",    "인가",
    "인가요", "있",     "있나",  "있나요",  "있는",    "있는가", "있다",  "저",      "저것",
    "저런",   "주세",   "통하",  "통한",    "통해",    "하",     "하는",  "하는가",  "하지만",
    "한가",   "한다",
};

using Counts = std::unordered_map<std::string, uint32_t>;

void count(const Analyzer& analyzer, std::string_view text, uint32_t weight, Counts& counts) {
  analyzer.analyze(text, [&](const Term& term) { counts[term.text] += weight; });
}

std::vector<TermCount> listed(Counts& counts) {
  std::vector<TermCount> terms;
  terms.reserve(counts.size());
  while (!counts.empty()) {
    auto node = counts.extract(counts.begin());
    terms.push_back({std::move(node.key()), node.mapped()});
  }
  return terms;
}

bool is_function_term(const TermCount& term) {
  return std::binary_search(kFunctionTerms.begin(), kFunctionTerms.end(),
                            std::string_view(term.term));
}

}  // namespace

std::vector<TermCount> chunk_terms(const Analyzer& analyzer, std::string_view title,
                                   std::string_view text) {
  Counts counts;
  counts.reserve(text.size() / 8);
  count(analyzer, title, kTitleWeight, counts);
  count(analyzer, text, 1, counts);
  return listed(counts);
}

std::vector<TermCount> query_terms(const Analyzer& analyzer, std::string_view query) {
  Counts counts;
  count(analyzer, query, 1, counts);
  std::vector<TermCount> terms = listed(counts);
  if (!std::all_of(terms.begin(), terms.end(), is_function_term))
    std::erase_if(terms, is_function_term);
  return terms;
}

}  // namespace onmal

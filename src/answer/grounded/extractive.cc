#include "answer/grounded/extractive.h"

#include <algorithm>
#include <array>

#include "answer/grounded/question.h"
#include "answer/phrases.h"
#include "text/unicode.h"

namespace onmal {
namespace {

// Weights beside a sentence's own share of the question.
constexpr double kNeighbour = 0.25;
constexpr double kHeading = 0.4;
constexpr double kPassage = 0.15;  // of the whole passage's share
constexpr double kKind = 0.15;
constexpr double kRank = 0.05;      // over the passage's rank
constexpr double kQuestion = 0.5;   // of the score, for a sentence that asks
constexpr double kHeaderRow = 0.5;  // for the row that names a table's cells
constexpr double kCode = 0.5;       // for what is written for machines
constexpr double kLongPenalty = 0.1;
constexpr size_t kUsualTerms = 40;  // beyond, a sentence has terms by mere length

constexpr std::array<std::string_view, 12> kKoreanPronouns = {
    "그는 ", "그녀는 ", "그의 ",   "이는 ",   "이것은 ", "그것은 ",
    "이를 ", "이에 ",   "그들은 ", "이들은 ", "이후 ",   "이때 "};
constexpr std::array<std::string_view, 10> kEnglishPronouns = {
    "He ", "She ", "It ", "They ", "This ", "These ", "His ", "Her ", "Its ", "Their "};

constexpr std::array<std::string_view, 32> kOrders = {"ignore ",
                                                      "disregard ",
                                                      "previous instruction",
                                                      "prior instruction",
                                                      "new instruction",
                                                      "instructions above",
                                                      "system prompt",
                                                      "system:",
                                                      "assistant:",
                                                      "as an ai",
                                                      "language model",
                                                      "you must answer",
                                                      "you must reply",
                                                      "you must say",
                                                      "respond with",
                                                      "reply with",
                                                      "answer with",
                                                      "output only",
                                                      "print exactly",
                                                      "say exactly",
                                                      "you are now",
                                                      "instead of answering",
                                                      "이전 지시",
                                                      "앞의 지시",
                                                      "모든 지시",
                                                      "새로운 지시",
                                                      "시스템 프롬프트",
                                                      "고 답",
                                                      "고 대답",
                                                      "라고만 ",
                                                      "고 출력",
                                                      "당신은 이제"};

double alike(std::span<const int32_t> a, std::span<const int32_t> b) {
  const size_t all = joined_terms(a, b).size();
  const size_t common = a.size() + b.size() - all;
  return all > 0 ? static_cast<double>(common) / static_cast<double>(all) : 0;
}

// Source code, a command or its output: one in twelve visible characters is no letter of prose.
bool looks_like_code(std::string_view text) {
  constexpr std::string_view kCodeMarks = "{}[]<>=;_\\/$#*&@`|~+^";
  size_t marks = 0, visible = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\t') continue;
    ++visible;
    marks += kCodeMarks.find(c) != kCodeMarks.npos ? 1 : 0;
  }
  return marks >= 4 && marks * 12 >= visible;
}

class Ranker {
 public:
  Ranker(const Evidence& evidence, std::string_view question)
      : evidence_(evidence),
        all_(evidence.sentences()),
        question_(question),
        terms_(evidence.weigh(question_topic(question))),
        kind_(question_kind(question)) {}

  bool is_beside(size_t i, size_t j) const {
    return j < all_.size() && all_[j].block == all_[i].block;
  }

  double score(size_t i) const {
    const EvidenceSentence& sentence = all_[i];
    const double own = coverage(terms_, sentence.terms);
    const auto added = [&](const std::vector<int32_t>& more) {
      return coverage(terms_, joined_terms(sentence.terms, more)) - own;
    };
    double neighbour = 0;
    if (i > 0 && is_beside(i, i - 1)) neighbour = added(all_[i - 1].terms);
    if (is_beside(i, i + 1)) neighbour = std::max(neighbour, added(all_[i + 1].terms));
    const double heading =
        added(joined_terms(evidence_.heading_terms(sentence.block), sentence.header_terms));
    double score = own + kNeighbour * neighbour + kHeading * heading;
    if (score <= 0) return 0;
    score += kPassage * coverage(terms_, evidence_.block_terms(sentence.block));
    score += kRank / static_cast<double>(sentence.block + 1);
    const bool asked = kind_ != QuestionKind::kOther;
    if (asked && holds_kind(evidence_.text_of(sentence), kind_, question_)) score += kKind;
    // A question answers none.
    if (evidence_.text_of(sentence).ends_with('?')) score *= kQuestion;
    if (sentence.is_header) score *= kHeaderRow;
    const bool row = sentence.header.end > sentence.header.begin;
    if (!row && looks_like_code(evidence_.text_of(sentence))) score *= kCode;
    if (sentence.terms.size() <= kUsualTerms) return score;
    const double longer = static_cast<double>(sentence.terms.size()) / kUsualTerms - 1;
    return score / (1 + kLongPenalty * longer);
  }

  double share(const std::vector<int32_t>& terms) const { return coverage(terms_, terms); }

 private:
  const Evidence& evidence_;
  const std::vector<EvidenceSentence>& all_;
  std::string_view question_;
  std::vector<WeighedTerm> terms_;
  QuestionKind kind_;
};

// Indices of the sentences that the answer is made of, the best first.
std::vector<size_t> choose(const Evidence& evidence, std::string_view question,
                           const std::vector<ScoredSentence>& ranked,
                           const ExtractiveOptions& options) {
  const std::vector<EvidenceSentence>& all = evidence.sentences();
  const Ranker ranker(evidence, question);
  std::vector<size_t> chosen;
  std::vector<int32_t> said;
  for (const auto& [index, score] : ranked) {
    if (chosen.size() >= options.most_sentences) break;
    // The names of a row's cells are said with it.
    const std::vector<int32_t> terms = joined_terms(all[index].terms, all[index].header_terms);
    const std::vector<int32_t> together = joined_terms(said, terms);
    const double gain = ranker.share(together) - ranker.share(said);
    if (!chosen.empty()) {
      const bool repeats = std::any_of(chosen.begin(), chosen.end(), [&](size_t other) {
        return other == index || alike(all[other].terms, terms) > options.most_alike;
      });
      const bool good = score >= options.least_share * ranked.front().score;
      if (repeats || (!good && gain < options.least_gain)) continue;
    }
    const std::string_view text = evidence.text_of(all[index]);
    const bool pronoun =
        starts_with_any(text, kKoreanPronouns) || starts_with_any(text, kEnglishPronouns);
    const bool before = pronoun && index > 0 && ranker.is_beside(index, index - 1) &&
                        chosen.size() + 1 < options.most_sentences &&
                        std::find(chosen.begin(), chosen.end(), index - 1) == chosen.end() &&
                        !(options.skip_orders && gives_orders(evidence.text_of(all[index - 1])));
    if (before) chosen.push_back(index - 1);
    chosen.push_back(index);
    said = together;
  }
  return chosen;
}

}  // namespace

bool gives_orders(std::string_view sentence) {
  const std::string text = lowercase(harmless_text(sentence));
  // harmless_text() parts "<|".
  const auto in = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  return in("< |") || std::any_of(kOrders.begin(), kOrders.end(), in);
}

std::vector<ScoredSentence> rank_sentences(const Evidence& evidence, std::string_view question,
                                           const ExtractiveOptions& options) {
  const Ranker ranker(evidence, question);
  std::vector<ScoredSentence> ranked;
  for (size_t i = 0; i < evidence.sentences().size(); ++i) {
    const double score = ranker.score(i);
    if (score <= 0) continue;
    if (options.skip_orders && gives_orders(evidence.text_of(evidence.sentences()[i]))) continue;
    ranked.push_back({i, score});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.score > b.score + 1e-9;  // equal ones in the passages' order
  });
  return ranked;
}

ExtractiveAnswer extract_answer(const Evidence& evidence, std::string_view question,
                                const ExtractiveOptions& options) {
  ExtractiveAnswer answer;
  std::vector<size_t> chosen =
      choose(evidence, question, rank_sentences(evidence, question, options), options);
  // Sentences of one passage in its order; passages by their best sentence.
  std::vector<size_t> ordered;
  for (const size_t first : chosen) {
    if (std::find(ordered.begin(), ordered.end(), first) != ordered.end()) continue;
    const size_t block = evidence.sentences()[first].block;
    const size_t from = ordered.size();
    std::copy_if(chosen.begin(), chosen.end(), std::back_inserter(ordered),
                 [&](size_t i) { return evidence.sentences()[i].block == block; });
    std::sort(ordered.begin() + static_cast<std::ptrdiff_t>(from), ordered.end());
  }
  for (const size_t index : ordered) {
    const EvidenceSentence& sentence = evidence.sentences()[index];
    if (!answer.text.empty()) answer.text += ' ';
    const size_t begin = answer.text.size();
    // Numbers in brackets that the passage has are none of ours.
    std::string words = harmless_text(evidence.readable(sentence));
    std::replace(words.begin(), words.end(), '\n', ' ');
    answer.text += words;
    const BestSpan own{sentence.block, sentence.span, 1.0, Support::kSupported};
    answer.citations.push_back(make_citation(evidence, own, begin, answer.text.size()));
    answer.text += " [" + std::to_string(answer.citations.back().id) + "]";
  }
  return answer;
}

}  // namespace onmal

#include "answer/grounded/abstain.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "answer/grounded/question.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr double kIntercept = -5.9877;
constexpr std::array<double, AnswerFeatures::kCount> kCoefficients = {0.5987, 1.3383, 4.7898,
                                                                      2.4988, 2.6535};

constexpr size_t kMostNamed = 5;         // documents
constexpr size_t kLongestUnknown = 160;  // characters: a longer answer says more than that

constexpr std::array<std::string_view, 9> kUnknown = {
    "모르겠",       "알 수 없",      "찾을 수 없",  "나와 있지 않",    "i don't know",
    "i don’t know", "i do not know", "cannot find", "not mentioned in"};

// The largest share, and by how much it leads over the mean of the others.
std::pair<double, double> best_and_lead(std::span<const double> shares) {
  const double best = *std::max_element(shares.begin(), shares.end());
  if (shares.size() == 1) return {best, best};
  const double others = std::accumulate(shares.begin(), shares.end(), -best);
  return {best, best - others / static_cast<double>(shares.size() - 1)};
}

}  // namespace

AnswerFeatures answer_features(const Evidence& evidence, std::string_view question) {
  const std::vector<WeighedTerm> terms = evidence.weigh(question_topic(question));
  const std::vector<EvidenceSentence>& all = evidence.sentences();
  AnswerFeatures features;
  if (all.empty()) return features;
  double sentence = 0;
  double pair = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const double share = coverage(terms, all[i].terms);
    sentence = std::max(sentence, share);
    const bool neighbours = i + 1 < all.size() && all[i + 1].block == all[i].block;
    pair = std::max(
        pair, neighbours ? coverage(terms, joined_terms(all[i].terms, all[i + 1].terms)) : share);
  }
  std::vector<double> shares;
  for (size_t i = 0; i < evidence.blocks().size(); ++i) {
    shares.push_back(
        coverage(terms, joined_terms(evidence.block_terms(i), evidence.heading_terms(i))));
  }
  const auto [best, lead] = best_and_lead(shares);
  features.values = {sentence, pair, best, lead,
                     std::log(1.0 + static_cast<double>(terms.size())) / 4};
  return features;
}

double answer_confidence(const AnswerFeatures& features) {
  // No passages, or nothing of the question in them.
  if (features.values[2] <= 0) return 0;
  double sum = kIntercept;
  for (size_t i = 0; i < AnswerFeatures::kCount; ++i) sum += kCoefficients[i] * features.values[i];
  return 1.0 / (1.0 + std::exp(-sum));
}

std::string unknown_text(std::string_view language, std::span<const ContextBlock> blocks) {
  const bool korean = language == "ko";
  std::string text = korean ? "모르겠습니다. 찾아본 문서에서 답을 찾지 못했습니다."
                            : "I don't know: the documents I looked at do not hold the answer.";
  std::vector<std::string> named;
  for (const ContextBlock& block : blocks) {
    const size_t slash = block.source.find_last_of("/\\");
    std::string name = slash == std::string::npos ? block.source : block.source.substr(slash + 1);
    const int64_t page = block.page_at(0);
    if (page > 0) name += (korean ? " " : ", p. ") + std::to_string(page) + (korean ? "쪽" : "");
    if (name.empty() || std::find(named.begin(), named.end(), name) != named.end()) continue;
    if (named.size() == kMostNamed) {
      named.back() += " …";
      break;
    }
    named.push_back(std::move(name));
  }
  if (named.empty()) return text;
  text += korean ? " 살펴본 곳: " : " Looked at: ";
  for (size_t i = 0; i < named.size(); ++i) text += (i > 0 ? "; " : "") + named[i];
  return text;
}

bool says_unknown(std::string_view answer) {
  const std::string text = lowercase(normalize_unicode(answer, NormalForm::kNfc));
  if (count_characters(text) > kLongestUnknown) return false;
  return std::any_of(kUnknown.begin(), kUnknown.end(),
                     [&](std::string_view part) { return text.find(part) != std::string::npos; });
}

}  // namespace onmal

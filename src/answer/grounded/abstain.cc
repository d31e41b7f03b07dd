#include "answer/grounded/abstain.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "answer/grounded/question.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr double kIntercept = -4.0;
constexpr std::array<double, AnswerFeatures::kCount> kCoefficients = {2, 2, 2, 0, 2, 0.5, 0.5, 0};

constexpr size_t kMostNamed = 5;         // documents
constexpr size_t kLongestUnknown = 160;  // characters: a longer answer says more than that

constexpr std::array<std::string_view, 9> kUnknown = {
    "모르겠",       "알 수 없",      "찾을 수 없",  "나와 있지 않",    "i don't know",
    "i don’t know", "i do not know", "cannot find", "not mentioned in"};

// The first and the second best block's shares.
std::pair<double, double> best_two(std::vector<double> shares) {
  shares.resize(std::max<size_t>(shares.size(), 2));
  std::partial_sort(shares.begin(), shares.begin() + 2, shares.end(), std::greater<>());
  return {shares[0], shares[1]};
}

bool has_heaviest(std::span<const WeighedTerm> terms, std::span<const int32_t> sentence) {
  const auto heaviest = std::max_element(
      terms.begin(), terms.end(),
      [](const WeighedTerm& a, const WeighedTerm& b) { return a.weight < b.weight; });
  return heaviest != terms.end() && heaviest->id >= 0 &&
         std::binary_search(sentence.begin(), sentence.end(), heaviest->id);
}

}  // namespace

AnswerFeatures answer_features(const Evidence& evidence, std::string_view question) {
  const std::vector<WeighedTerm> terms = evidence.weigh(question);
  const std::vector<EvidenceSentence>& all = evidence.sentences();
  double pair = 0;
  double best = -1;
  size_t best_at = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const double share = coverage(terms, all[i].terms);
    if (share > best) {
      best = share;
      best_at = i;
    }
    const bool neighbours = i + 1 < all.size() && all[i + 1].block == all[i].block;
    pair = std::max(
        pair, neighbours ? coverage(terms, joined_terms(all[i].terms, all[i + 1].terms)) : share);
  }
  std::vector<double> shares;
  std::vector<int32_t> everything;
  for (size_t i = 0; i < evidence.blocks().size(); ++i) {
    const std::vector<int32_t> block =
        joined_terms(evidence.block_terms(i), evidence.heading_terms(i));
    shares.push_back(coverage(terms, block));
    everything = joined_terms(everything, block);
  }
  const auto [first, second] = best_two(shares);
  AnswerFeatures features;
  if (all.empty()) return features;
  const bool kind = holds_kind(evidence.text_of(all[best_at]), question_kind(question), question);
  features.values = {best,
                     pair,
                     first,
                     coverage(terms, everything),
                     first - second,
                     has_heaviest(terms, all[best_at].terms) ? 1.0 : 0.0,
                     kind ? 1.0 : 0.0,
                     std::log(1.0 + static_cast<double>(terms.size())) / 4};
  return features;
}

double answer_confidence(const AnswerFeatures& features) {
  // No passages, or nothing of the question in them.
  if (features.values[3] <= 0) return 0;
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

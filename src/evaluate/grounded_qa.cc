#include "evaluate/grounded_qa.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "evaluate/labels.h"
#include "evaluate/text_units.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

// BM25's usual constants (Robertson & Zaragoza, 2009).
constexpr double kSaturation = 1.2;
constexpr double kLengthShare = 0.75;

bool overlap(const CitedRange& a, const CitedRange& b) {
  return a.paragraph == b.paragraph && a.begin < b.end && b.begin < a.end;
}

bool hits(const GroundedItem& item, const CitedRange& cited) {
  return std::any_of(item.right.begin(), item.right.end(),
                     [&](const CitedRange& right) { return overlap(cited, right); });
}

std::string squeezed(std::string_view text) {
  std::string out;
  for (const std::string& unit : content_units(text, false)) out += unit;
  return out;
}

bool contains_reference(const GroundedItem& item) {
  const std::string answer = squeezed(item.answer);
  return std::any_of(item.references.begin(), item.references.end(),
                     [&](const std::string& reference) {
                       const std::string wanted = squeezed(reference);
                       return !wanted.empty() && answer.find(wanted) != std::string::npos;
                     });
}

// Sums of two values per item, the first over the second.
Metric share_metric(std::string name, const std::vector<std::pair<double, double>>& counts) {
  std::vector<double> statistics;
  for (const auto& [part, whole] : counts) statistics.insert(statistics.end(), {part, whole});
  return sums_metric(std::move(name), 2, std::move(statistics), [](std::span<const double> sums) {
    return sums[1] > 0 ? sums[0] / sums[1] : 0;
  });
}

// The answer as it is compared: its claims without [id].
std::string without_citations(const GroundedAnswer& answer) {
  std::string text;
  for (const Claim& claim : find_claims(answer.text, static_cast<int64_t>(answer.passages.size())))
    text += (text.empty() ? "" : " ") + claim.text;
  return text;
}

GroundedItem item_of(const SquadData& data, const SquadQuestion& question, bool answerable,
                     const GroundedAnswer& answer) {
  GroundedItem item;
  item.confidence = answer.confidence;
  if (!answer.abstained) item.answer = without_citations(answer);
  for (const Citation& citation : answer.citations)
    item.cited.push_back({citation.document, citation.begin_character, citation.end_character});
  if (!answerable) return item;
  for (const SquadAnswer& right : question.answers) {
    item.references.push_back(right.text);
    item.right.push_back(
        {static_cast<int64_t>(question.paragraph), right.begin_character,
         right.begin_character + static_cast<int64_t>(count_characters(right.text))});
  }
  ONMAL_ASSERT(question.paragraph < data.paragraphs.size());
  return item;
}

}  // namespace

std::vector<Metric> grounded_metrics(const std::vector<GroundedItem>& items, AnswerUnits units) {
  std::vector<std::string> predictions;
  Answers references;
  std::vector<std::pair<double, double>> contained;
  std::vector<std::pair<double, double>> precise;
  std::vector<std::pair<double, double>> recalled;
  std::vector<double> confidences;
  std::vector<double> answered;
  std::vector<bool> positive;
  for (const GroundedItem& item : items) {
    const bool answerable = !item.references.empty();
    predictions.push_back(item.answer);
    references.push_back(answerable ? item.references : std::vector<std::string>{""});
    contained.emplace_back(contains_reference(item) ? 1 : 0, answerable ? 1 : 0);
    const auto right = static_cast<double>(std::count_if(
        item.cited.begin(), item.cited.end(), [&](const CitedRange& c) { return hits(item, c); }));
    precise.emplace_back(right, static_cast<double>(item.cited.size()));
    recalled.emplace_back(right > 0 ? 1 : 0, answerable ? 1 : 0);
    confidences.push_back(item.confidence);
    answered.push_back(item.answer.empty() ? 0 : 1);
    positive.push_back(answerable);
  }
  std::vector<Metric> metrics = {exact_match_metric(predictions, references, units),
                                 answer_f1_metric(predictions, references, units),
                                 share_metric("contains", contained),
                                 share_metric("citation_precision", precise),
                                 share_metric("citation_recall", recalled),
                                 mean_metric("answered", std::move(answered))};
  // Needs questions of both kinds.
  if (std::adjacent_find(positive.begin(), positive.end(), std::not_equal_to<>()) == positive.end())
    return metrics;
  Metric auroc = auroc_metric(confidences, positive);
  auroc.name = "abstention_auroc";
  metrics.push_back(std::move(auroc));
  return metrics;
}

ParagraphIndex::ParagraphIndex(std::span<const SquadParagraph> paragraphs, const Analyzer& analyzer)
    : paragraphs_(paragraphs), analyzer_(analyzer) {
  for (size_t i = 0; i < paragraphs.size(); ++i) {
    double length = 0;
    analyzer_.analyze(paragraphs[i].text, [&](const Term& term) {
      auto& list = postings_[term.text];
      if (list.empty() || list.back().first != i) list.emplace_back(i, 0);
      list.back().second += 1;
      length += 1;
    });
    lengths_.push_back(length);
    mean_length_ += length / static_cast<double>(paragraphs.size());
  }
}

std::vector<std::pair<size_t, double>> ParagraphIndex::find(std::string_view question, size_t most,
                                                            size_t without) const {
  std::vector<double> scores(paragraphs_.size(), 0.0);
  const auto total = static_cast<double>(paragraphs_.size());
  analyzer_.analyze(question, [&](const Term& term) {
    const auto found = postings_.find(term.text);
    if (found == postings_.end()) return;
    const auto with = static_cast<double>(found->second.size());
    const double rarity = std::log(1.0 + (total - with + 0.5) / (with + 0.5));
    for (const auto& [paragraph, count] : found->second) {
      const double length = lengths_[paragraph] / mean_length_;
      scores[paragraph] += rarity * count * (kSaturation + 1) /
                           (count + kSaturation * (1 - kLengthShare + kLengthShare * length));
    }
  });
  std::vector<std::pair<size_t, double>> found;
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool same = without != kNone && paragraphs_[i].text == paragraphs_[without].text;
    if (scores[i] > 0 && !same) found.emplace_back(i, scores[i]);
  }
  const auto by_score = [](const auto& a, const auto& b) {
    return a.second > b.second || (a.second == b.second && a.first < b.first);
  };
  const size_t kept = std::min(most, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(),
                    by_score);
  found.resize(kept);
  return found;
}

std::vector<Passage> passages_for(const SquadData& data, const ParagraphIndex& index,
                                  const SquadQuestion& question, size_t count, bool answerable) {
  std::vector<std::pair<size_t, double>> found =
      index.find(question.question, answerable ? data.paragraphs.size() : count,
                 answerable ? ParagraphIndex::kNone : question.paragraph);
  if (answerable) {
    const auto own = std::find_if(found.begin(), found.end(),
                                  [&](const auto& hit) { return hit.first == question.paragraph; });
    // Its own one even where a search would not have found it.
    const std::pair<size_t, double> kept =
        own != found.end() ? *own : std::pair<size_t, double>{question.paragraph, 0};
    const auto place = static_cast<size_t>(own - found.begin());
    if (found.size() > count) found.resize(count);
    if (place >= found.size()) {
      if (found.size() == count && count > 0) found.pop_back();
      found.push_back(kept);
    }
  }
  std::vector<Passage> passages;
  for (const auto& [paragraph, score] : found) {
    Passage passage;
    passage.chunk = passage.document = static_cast<int64_t>(paragraph);
    passage.source = "paragraph " + std::to_string(paragraph + 1);
    passage.text = data.paragraphs[paragraph].text;
    passage.end = passage.text.size();
    passage.score = score;
    passages.push_back(std::move(passage));
  }
  return passages;
}

std::vector<GroundedItem> run_grounded_qa(
    const SquadData& data, TaskModel* model, const GroundedQaOptions& options,
    const std::function<void(size_t done, size_t total)>& progress, const std::stop_token& stop) {
  if (options.passages < 1 || options.unanswerable < 0 || options.unanswerable > 1)
    throw Error(ErrorCode::kInvalidArgument, "grounded-qa", "needs passages and a share of 0 to 1");
  const Analyzer analyzer;
  const ParagraphIndex index(data.paragraphs, analyzer);
  const size_t total =
      options.limit > 0 ? std::min(options.limit, data.questions.size()) : data.questions.size();
  std::vector<GroundedItem> items;
  double owed = 0;  // of unanswerable questions
  for (size_t i = 0; i < total; ++i) {
    const SquadQuestion& question = data.questions[i];
    owed += options.unanswerable;
    const bool answerable = owed < 1 && !question.answers.empty();
    if (owed >= 1) owed -= 1;
    const std::vector<Passage> passages =
        passages_for(data, index, question, options.passages, answerable);
    const GroundedAnswer answer = answer_grounded(
        analyzer, question.question, passages, model, options.answer, [](std::string_view) {},
        stop);
    items.push_back(item_of(data, question, answerable, answer));
    if (progress) progress(i + 1, total);
  }
  return items;
}

}  // namespace onmal

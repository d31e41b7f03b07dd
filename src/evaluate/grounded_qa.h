#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "answer/grounded/answer.h"
#include "evaluate/answers.h"
#include "evaluate/metric.h"
#include "evaluate/squad_file.h"

namespace onmal {

// A stretch of a paragraph, in Unicode characters.
struct CitedRange {
  int64_t paragraph;
  int64_t begin;
  int64_t end;
};

// A question and what came of it.
struct GroundedItem {
  std::string answer;                   // without citations; "" where it was withheld
  std::vector<std::string> references;  // none: no passage held the answer
  double confidence = 0;
  std::vector<CitedRange> cited;
  std::vector<CitedRange> right;  // where the references stand
};

// exact_match and f1 (as answers_task does; a withheld answer is right where nothing held it),
// contains (of the questions with an answer: a reference is within the answer), citation_precision
// (of all citations, those that overlap a reference's place), citation_recall (of the questions
// with an answer, those with such a citation), answered (of all questions), abstention_auroc
// (confidence where the answer was there against where it was not).
std::vector<Metric> grounded_metrics(const std::vector<GroundedItem>& items, AnswerUnits units);

// Finds paragraphs for questions by BM25 over the analyzer's terms, in memory. The analyzer must
// outlive it.
class ParagraphIndex {
 public:
  ParagraphIndex(std::span<const SquadParagraph> paragraphs, const Analyzer& analyzer);

  // The best paragraphs first, at most `most`; those whose text is that of `without` left out
  // (npos: none).
  static constexpr size_t kNone = ~size_t{0};
  std::vector<std::pair<size_t, double>> find(std::string_view question, size_t most,
                                              size_t without = kNone) const;

 private:
  std::span<const SquadParagraph> paragraphs_;
  const Analyzer& analyzer_;
  std::map<std::string, std::vector<std::pair<size_t, double>>> postings_;  // paragraph, count
  std::vector<double> lengths_;
  double mean_length_ = 0;
};

// The passages that a question is asked of: the most alike paragraphs, as a search would find them,
// its own among them (`answerable`) or left out.
std::vector<Passage> passages_for(const SquadData& data, const ParagraphIndex& index,
                                  const SquadQuestion& question, size_t count, bool answerable);

struct GroundedQaOptions {
  size_t passages = 4;
  size_t limit = 0;           // questions; 0: all
  double unanswerable = 0.5;  // share of the questions asked without their paragraph
  GroundedOptions answer;
};

// Asks a file's questions; `model` may be null. Which are asked without their paragraph goes by
// their number alone.
std::vector<GroundedItem> run_grounded_qa(
    const SquadData& data, TaskModel* model, const GroundedQaOptions& options,
    const std::function<void(size_t done, size_t total)>& progress,
    const std::stop_token& stop = {});

}  // namespace onmal

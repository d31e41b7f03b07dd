#pragma once

#include <string>
#include <vector>

#include "evaluate/metric.h"

namespace onmal {

enum class AnswerUnits : uint8_t {
  kWords,      // SQuAD 1.1: articles dropped, F1 of words (Rajpurkar et al., 2016)
  kSyllables,  // KorQuAD 1.0: quotes and brackets are spaces, F1 of characters (Lim et al., 2019)
};

// references[i]: the right answers of question i, of which the best one counts. Both measures
// compare in lower case without ASCII punctuation.
using Answers = std::vector<std::vector<std::string>>;

Metric exact_match_metric(const std::vector<std::string>& predictions, const Answers& references,
                          AnswerUnits units);
Metric answer_f1_metric(const std::vector<std::string>& predictions, const Answers& references,
                        AnswerUnits units);

}  // namespace onmal

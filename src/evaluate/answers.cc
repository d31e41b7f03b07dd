#include "evaluate/answers.h"

#include <algorithm>

#include "evaluate/text_units.h"
#include "text/unicode.h"

namespace onmal {
namespace {

constexpr std::string_view kKorquadMarks[] = {"'",  "\"", "《", "》", "<", ">",
                                              "〈", "〉", "(",  ")",  "‘", "’"};

// The words that are compared.
std::vector<std::string> normalized(std::string_view answer, AnswerUnits units) {
  std::string cleaned;
  for (const std::string& c :
       characters_of(lowercase(normalize_unicode(answer, NormalForm::kNfc)))) {
    if (units == AnswerUnits::kSyllables &&
        std::find(std::begin(kKorquadMarks), std::end(kKorquadMarks), c) !=
            std::end(kKorquadMarks)) {
      cleaned += ' ';
    } else if (!is_ascii_punctuation(c)) {
      cleaned += c;
    }
  }
  std::vector<std::string> words = split_white_space(cleaned);
  if (units == AnswerUnits::kWords)
    std::erase_if(words, [](const std::string& word) {
      return word == "a" || word == "an" || word == "the";
    });
  return words;
}

double exact(std::string_view prediction, std::string_view reference, AnswerUnits units) {
  return normalized(prediction, units) == normalized(reference, units) ? 1 : 0;
}

double overlap(std::string_view prediction, std::string_view reference, AnswerUnits units) {
  std::vector<std::string> a = normalized(prediction, units);
  std::vector<std::string> b = normalized(reference, units);
  if (units == AnswerUnits::kSyllables) {
    for (std::vector<std::string>* words : {&a, &b}) {
      std::string joined;
      for (const std::string& word : *words) joined += word;
      *words = characters_of(joined);
    }
  }
  if (a.empty() || b.empty()) return a.empty() && b.empty() ? 1 : 0;
  const auto common = static_cast<double>(count_matches(count_ngrams(a, 1), count_ngrams(b, 1)));
  return f_score(common / static_cast<double>(a.size()), common / static_cast<double>(b.size()));
}

template <typename Score>
Metric best_metric(std::string name, const std::vector<std::string>& predictions,
                   const Answers& references, const Score& score) {
  check_same_count(predictions.size(), references.size());
  std::vector<double> values;
  for (size_t i = 0; i < predictions.size(); ++i) {
    double best = 0;
    for (const std::string& reference : references[i])
      best = std::max(best, score(predictions[i], reference));
    values.push_back(best);
  }
  return mean_metric(std::move(name), std::move(values));
}

}  // namespace

Metric exact_match_metric(const std::vector<std::string>& predictions, const Answers& references,
                          AnswerUnits units) {
  return best_metric("exact_match", predictions, references,
                     [units](const auto& a, const auto& b) { return exact(a, b, units); });
}

Metric answer_f1_metric(const std::vector<std::string>& predictions, const Answers& references,
                        AnswerUnits units) {
  return best_metric("f1", predictions, references,
                     [units](const auto& a, const auto& b) { return overlap(a, b, units); });
}

}  // namespace onmal

#pragma once

#include <array>
#include <string>
#include <string_view>

#include "answer/grounded/evidence.h"

namespace onmal {

// What tells whether passages hold a question's answer; each about 0 to 1.
struct AnswerFeatures {
  static constexpr size_t kCount = 5;
  static constexpr std::array<std::string_view, kCount> kNames = {"best_sentence", "best_pair",
                                                                  "best_passage", "lead", "terms"};
  // By those names: share of the question's weight that the best sentence has, the best two
  // neighbouring ones, the best passage with its headings; that passage's lead over the mean of the
  // others; the number of terms, ln(1 + n) / 4.
  std::array<double, kCount> values{};
};
AnswerFeatures answer_features(const Evidence& evidence, std::string_view question);

// The probability that the passages hold the answer: a logistic function of the features. The
// coefficients are those of bench/abstain_fit on KoBEST BoolQ's training questions, each with its
// own paragraph among the most alike ones and with the most alike ones alone.
double answer_confidence(const AnswerFeatures& features);

// Below it an answer is withheld by default.
inline constexpr double kLeastConfidence = 0.35;

// "I don't know …" in a language ("ko", "en"), with the documents that were looked at.
std::string unknown_text(std::string_view language, std::span<const ContextBlock> blocks);

// Whether a model's answer says that it does not know.
bool says_unknown(std::string_view answer);

}  // namespace onmal

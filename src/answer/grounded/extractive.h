#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "answer/grounded/citations.h"
#include "answer/grounded/evidence.h"

namespace onmal {

struct ExtractiveOptions {
  size_t most_sentences = 3;
  // A further sentence must score this share of the best one, or say that much more of the
  // question.
  double least_share = 0.75;
  double least_gain = 0.2;
  double most_alike = 0.6;  // of terms (Jaccard) with a sentence that was chosen
  // Sentences that give orders to an assistant ("ignore all instructions …") answer no question.
  bool skip_orders = true;
};

struct ScoredSentence {
  size_t index;  // into Evidence::sentences()
  double score;
};

// Sentences by how well they answer, the best first. The share of the question's weight that a
// sentence has, plus parts of what its neighbours and its headings add to that, plus something for
// holding what is asked for (a number, a date, a name, a place) and for its passage's rank.
std::vector<ScoredSentence> rank_sentences(const Evidence& evidence, std::string_view question,
                                           const ExtractiveOptions& options = {});

struct ExtractiveAnswer {
  std::string text;  // "" where no sentence has a term of the question
  std::vector<Citation> citations;
};

// An answer without a model: the best sentences, word for word (rows of tables with the names of
// their cells), each with " [id]" behind it. One that begins with a pronoun comes with the sentence
// before it.
ExtractiveAnswer extract_answer(const Evidence& evidence, std::string_view question,
                                const ExtractiveOptions& options = {});

// Whether a sentence talks to an assistant instead of its reader: about instructions, prompts and
// roles, in Korean or English.
bool gives_orders(std::string_view sentence);

}  // namespace onmal

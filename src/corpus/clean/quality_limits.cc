#include "corpus/clean/quality.h"

namespace onmal {

// How they were found: shares of real documents (Korean: petitions, Microsoft's, React's and
// TensorFlow's documentation; English: articles of WikiText-2, sheets of Shakespeare, problems of
// GSM8K), looked at on both sides of each limit. All rules together drop under 2 % of those Korean
// and English documents but for WikiText's (5 %, whose "<unk>" counts as stuffing).
const QualityLimits& quality_limits(Language language) {
  // Eojeol have 2 to 6 characters; documentation has Latin names, up to half of its letters.
  static constexpr QualityLimits kKorean = {
      .least_characters = 20,
      .most_broken = 0.005,
      .most_mojibake = 0.02,
      .most_symbols = 0.20,
      .most_digits = 0.20,
      .most_latin = 0.80,
      .least_word_length = 1.6,
      .most_word_length = 12.0,
      .least_sentences = 0.10,
      .least_function_words = 0.0,
      .most_list_lines = 0.98,
      .most_repeated_lines = 0.30,
      .most_repeated_paragraphs = 0.30,
      .most_frequent_gram = 0.20,
      .most_repeated_grams = 0.35,
      .most_one_word = 0.17,
      .most_jamo = 0.20,
  };
  static constexpr QualityLimits kEnglish = {
      .least_characters = 40,
      .most_broken = 0.005,
      .most_mojibake = 0.02,
      .most_symbols = 0.20,
      .most_digits = 0.20,
      .most_latin = 1.0,
      .least_word_length = 2.5,
      .most_word_length = 10.0,
      .least_sentences = 0.10,
      .least_function_words = 0.10,
      .most_list_lines = 0.98,
      .most_repeated_lines = 0.30,
      .most_repeated_paragraphs = 0.30,
      .most_frequent_gram = 0.20,
      .most_repeated_grams = 0.35,
      .most_one_word = 0.12,
      .most_jamo = 0.20,
  };
  return language == Language::kKorean ? kKorean : kEnglish;
}

}  // namespace onmal

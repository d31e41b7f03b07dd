#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/clean/language.h"

namespace onmal {

enum class QualityRule : uint8_t {
  // These cut lines.
  kCookieLine,
  kSubscribeLine,
  kCopyrightLine,
  kBylineLine,      // a reporter's name and address, a picture's owner
  kNavigationLine,  // 홈 > 뉴스 > 정치; Home | News | Login
  kMenuLines,       // many short lines in a row that are no sentences
  kJamoLine,        // nothing but ㅋㅋㅋ and signs
  // These drop the document, judged on what the cuts left.
  kBrokenEncoding,  // U+FFFD and bytes that are not UTF-8
  kMojibake,        // UTF-8 read as Latin-1 or Windows-1252
  kTooShort,
  kSymbols,
  kDigits,
  kLatinInKorean,
  kWordLength,    // words shorter or longer than the language's: lists, missing spaces
  kFewSentences,  // too little of the text lies in lines with a sentence's end
  kFewFunctionWords,
  kListLines,
  kRepeatedLines,
  kRepeatedParagraphs,
  kFrequentGram,   // the most frequent phrase of three words takes too much of the text
  kRepeatedGrams,  // phrases of six words that were there before
  kStuffing,       // one word again and again
  kJamoSpam,       // ㅋㅋㅋ, ㅠㅠ, lone jamo
};
inline constexpr size_t kQualityRules = 23;
// "cookie_line", "too_short" …
std::string_view quality_rule_name(QualityRule rule);

// Shares are of the text's characters without blanks, or of words, lines or bytes as they say.
struct QualityLimits {
  size_t least_characters;
  double most_broken;    // of characters
  double most_mojibake;  // of characters
  double most_symbols;   // signs that are neither letters, digits nor . , ? ! ' " ( ) - : ~
  double most_digits;
  double most_latin;         // of letters (Korean only)
  double least_word_length;  // mean, in characters
  double most_word_length;
  double least_sentences;       // of bytes: lines with a sentence's end
  double least_function_words;  // of words (English only)
  double most_list_lines;       // of lines
  double most_repeated_lines;   // of bytes
  double most_repeated_paragraphs;
  double most_frequent_gram;  // of bytes of words
  double most_repeated_grams;
  double most_one_word;  // of words, the most frequent one that is no function word
  double most_jamo;      // of Hangul
};
// The limits of a language; those of English for all that is not Korean. quality_limits.cc says how
// they were found.
const QualityLimits& quality_limits(Language language);

// Lines [first_line, last_line] (from 0), which are bytes [begin, end) with their line ends.
struct QualityCut {
  QualityRule rule;
  size_t first_line, last_line;
  size_t begin, end;
};

struct QualityOutcome {
  std::vector<QualityCut> cuts;        // in order and apart
  std::optional<QualityRule> dropped;  // the first rule that the rest breaks
  double value = 0;                    // of that rule: what was measured
};

// Judges documents one after another; keeps its tables between them. One per thread.
class QualityJudge {
 public:
  QualityJudge();
  ~QualityJudge();
  QualityJudge(QualityJudge&&) noexcept;
  QualityJudge& operator=(QualityJudge&&) noexcept;

  // `language` kKorean for Korean's rules, anything else for those of English; code, Japanese and
  // Chinese are not what these rules are for. Time grows with the text's length; phrases are
  // counted in the first million words. Does not keep `document`.
  QualityOutcome judge(std::string_view document, Language language);
  QualityOutcome judge(std::string_view document, Language language, const QualityLimits& limits);

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

// The document without its cuts, as it was otherwise.
std::string apply_cuts(std::string_view document, const std::vector<QualityCut>& cuts);

}  // namespace onmal

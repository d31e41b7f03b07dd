#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/sentences.h"

namespace onmal {

// How long a summary may be.
struct SummaryLength {
  int64_t sentences = 3;
  int64_t characters = 0;  // > 0: as many sentences as fit into so many characters instead
};
// "short" (2 sentences), "medium" (4), "long" (8), "5" (sentences) or "300c" (characters). Throws
// Error(kInvalidArgument) for anything else.
SummaryLength parse_summary_length(const std::string& text);

struct ExtractedSentence {
  TextSpan span;  // bytes of the text
  double score;   // of all sentences they add up to 1
};

// The sentences that say most of a text, in its order; the same text gives the same ones. LexRank
// (Erkan & Radev, 2004): the stationary distribution of a walk between sentences by the cosine of
// their tf-idf vectors. Units are words in lower case and, for Hangul, pairs of syllables within a
// word, so that a word counts whatever particle it bears. A sentence much like one chosen before is
// passed over. Texts of more than kMostRanked sentences are ranked by their likeness to the whole
// text, which is linear. Empty for a text without sentences.
inline constexpr size_t kMostRanked = 2000;
std::vector<ExtractedSentence> extract_sentences(std::string_view text,
                                                 const SummaryLength& length);

}  // namespace onmal

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/sentences.h"

namespace onmal {

// A statement of an answer that can be true or false.
struct CheckableClaim {
  size_t begin = 0;  // bytes of the answer, without list markers, outer quotes and citations behind
  size_t end = 0;
  std::string text;  // without citations
};

struct SplitClaims {
  std::vector<CheckableClaim> claims;
  size_t sentences = 0;   // all, with those that claim nothing
  size_t read_bytes = 0;  // of the answer; less than all where it is too long
};

// The sentences of an answer that claim something, in order. Left out: questions, greetings and
// offers of help, sentences that say that they guess or do not know, headings, lead-ins that end
// with a colon, mere sources ("출처: …", "[1][2]"), fenced code. Semicolons part claims.
// `passages`: numbers in brackets up to it are citations. Of an answer above `most_bytes` the
// beginning alone is read, up to a line's end or a space, and never more than `most_claims`.
SplitClaims split_claims(std::string_view answer, int64_t passages, size_t most_bytes = 65536,
                         size_t most_claims = 200);

// The parts of a sentence that say something each: behind -고, -며, -지만, -으나, 아니라 and before
// "and", "but", "while" where at least two words (English: three) stand on both sides.
std::vector<TextSpan> split_clauses(std::string_view sentence);

}  // namespace onmal

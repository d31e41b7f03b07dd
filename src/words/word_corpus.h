#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "corpus/source.h"
#include "words/word_splitter.h"

namespace onmal {

// A text as word numbers. Words are numbered by falling frequency, equal ones in byte order.
struct WordCorpus {
  std::vector<std::string> words;
  std::vector<int64_t> counts;
  std::vector<int32_t> stream;  // word numbers; kSentenceEnd between sentences
  int64_t tokens = 0;           // words of the text, those left out counted too
  static constexpr int32_t kSentenceEnd = -1;
};

// Reads every source and drops words rarer than `min_count`. Throws Error(kInvalidArgument) when
// no word is left, Error(kResource) for a text of more than 2^31 different words, Error(kCancelled)
// when stopped, and what read_documents throws.
WordCorpus read_word_corpus(const std::vector<Source>& sources, const WordRules& rules,
                            int64_t min_count, const std::stop_token& stop = {});

}  // namespace onmal

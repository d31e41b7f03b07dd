#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "corpus/source.h"

namespace onmal {

struct SentenceOptions {
  int64_t heldout_permille = 10;  // of the documents, by a hash of their text
  int64_t least_characters = 8;
  int64_t most_characters = 120;
};

// Why a sentence does not count as well-written Korean.
enum class SentenceFault : uint8_t {
  kNone,
  kLength,
  kFewHangul,  // less than six characters in ten
  kLoneJamo,   // ㅋㅋ, ㅠㅠ, slips
  kLongWord,   // more than ten syllables without a space: spaces are missing
  kMistake,    // has one of the commonest mistakes (됬, 할께, 읍니다 …)
  kMarkup,     // signs of code or markup
  kNoEnd,      // no end mark, or no ending before it
};
inline constexpr size_t kSentenceFaults = 8;
std::string_view sentence_fault_name(SentenceFault fault);
SentenceFault judge_sentence(std::string_view sentence, const SentenceOptions& options);

struct SentenceReport {
  int64_t documents = 0, train = 0, heldout = 0;
  int64_t repeated = 0;  // seen before, or in both splits (those stay in training alone)
  std::array<int64_t, kSentenceFaults> faults = {};
};

// Writes the well-written sentences of a corpus, a line each and none twice, in the corpus's order.
// A document's sentences go to one of the two files; no held-out sentence is in the other. Both
// files are replaced when all is read.
SentenceReport write_clean_sentences(const Corpus& corpus, const SentenceOptions& options,
                                     const std::filesystem::path& train,
                                     const std::filesystem::path& heldout);

}  // namespace onmal

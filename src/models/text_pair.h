#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/classifier.h"

namespace onmal {

// Two texts as one sequence, for models that judge one by the other.
struct TextPair {
  std::vector<int32_t> ids;
  int64_t second = 0;   // the first id of token type 1
  int64_t dropped = 0;  // ids that did not fit
};

// BERT: [CLS] first [SEP] second [SEP]; where texts begin with "<s>" (RoBERTa and its kin): <s>
// first </s></s> second </s>; for a vocabulary that puts nothing around a text the token that ends
// a document parts the two. What exceeds `limit` (at least 8) is cut from the first text's end, and
// from the second's what exceeds half of the room.
TextPair encode_pair(const Tokenizer& tokenizer, std::string_view first, std::string_view second,
                     int64_t limit);

// Judges pairs, in their order, by a classifier with one label a text. Throws
// Error(kInvalidArgument) for another task; a stop request ends with Error(kCancelled).
std::vector<Classification> classify_pairs(
    const Classifier& classifier, ThreadPool& pool,
    std::span<const std::pair<std::string, std::string>> pairs, const std::stop_token& stop = {});

}  // namespace onmal

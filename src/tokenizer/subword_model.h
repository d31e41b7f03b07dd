#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/token_kind.h"

namespace onmal {

// Cuts a stretch of text into tokens. Const use is safe from several threads.
class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  // Appends ids.
  virtual void encode(std::string_view stretch, std::vector<int32_t>& ids) const = 0;
};

// What the models below are made from. Throws Error(kBadFile) when it contradicts itself.
struct SubwordDefinition {
  std::vector<std::string> texts;                   // by id, as the model matches them
  std::vector<double> scores;                       // by id, where the model has scores
  std::vector<TokenKind> kinds;                     // by id
  std::vector<std::pair<int32_t, int32_t>> merges;  // by rank: ids of left and right
  std::vector<int32_t> merged;  // by rank: what it makes; empty: the token of the joined text
  int32_t unknown_id = -1;
  bool byte_fallback = false;  // unknown characters become tokens "<0x0A>" where there are all
  bool fuse_unknown = true;    // one unknown token for a run of unknown characters
  bool ignore_merges = false;  // a stretch that is a token is taken whole
  std::string prefix;          // of characters inside a word ("##")
  std::string suffix;          // of the last character of a word ("</w>")
  size_t most_characters = SIZE_MAX;  // longer words are unknown (WordPiece)
  bool single_precision = false;      // unigram scores are added up in float
  bool all_normal = false;            // unigram: tokens of every kind are found in text
  bool like_sentencepiece = false;    // control tokens are no text; user-defined ones score a bonus
};

// SentencePiece's BPE: the adjacent pair that makes the token of the highest score is joined,
// leftmost first. Time n log n.
std::unique_ptr<SubwordModel> score_model(const SubwordDefinition& definition);
// BPE by a list of merges over characters.
std::unique_ptr<SubwordModel> merge_model(const SubwordDefinition& definition);
// The most probable segmentation (Kudo, 2018), by Viterbi.
std::unique_ptr<SubwordModel> unigram_model(const SubwordDefinition& definition);
// Longest match first; `texts` begin with U+2581 where they begin a word, as GGUF has them.
std::unique_ptr<SubwordModel> word_piece_model(const SubwordDefinition& definition);
// Whole stretches.
std::unique_ptr<SubwordModel> word_model(const SubwordDefinition& definition);

// Ids of "<0x00>" to "<0xFF>", -1 where there is none.
std::array<int32_t, 256> find_byte_tokens(const std::vector<std::string>& texts);
// The byte that "<0x0A>" names; -1 for any other text.
int byte_of_token(std::string_view text);

}  // namespace onmal

#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "tokenizer/adjacent_pairs.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/joinable_pairs.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/text_pipeline.h"
#include "tokenizer/word_cache.h"

namespace onmal {

// Everything a byte-level BPE tokenizer is; what its files hold.
struct BpeDefinition {
  std::vector<std::string> pieces;                  // by id; raw bytes
  std::vector<std::pair<int32_t, int32_t>> merges;  // by rank: ids of left and right
  std::vector<int32_t> special_ids;  // pieces never made by merging, found as text by parse_special
  std::string pretokenizer = "llama-bpe";
  int32_t begin_id = -1;
  int32_t end_id = -1;
  int32_t pad_id = -1;
  bool add_begin = false;

  // What goes beyond the plain kind.
  int32_t unknown_id = -1;  // for bytes without a token; they are dropped when there is none
  int32_t separator_id = -1;
  bool add_end = false;
  bool add_separator = false;
  bool ignore_merges = false;     // a stretch that is a token is taken whole
  bool partial_alphabet = false;  // not every byte has a token
  TextRules rules;                // tokens of special_ids need not stand in its list
  bool has_steps = false;         // pretokenizer_steps in the place of a named pre-tokenizer
  SplitSteps pretokenizer_steps;
  bool mapped_text = false;       // stretches reach the model written in GPT-2's alphabet
  std::string hugging_face_json;  // the tokenizer.json it was read from; "" otherwise
};

// Byte-level byte-pair encoding (Sennrich et al., 2016; bytes as in GPT-2): within each stretch of
// the pre-tokenizer, the adjacent pair of lowest rank is merged, leftmost first, until none is
// left.
class BpeTokenizer : public Tokenizer {
 public:
  // Throws Error(kBadFile) when the definition contradicts itself (a byte without a token, merges
  // of unknown ids …).
  explicit BpeTokenizer(BpeDefinition definition);

  int64_t vocab_size() const override { return static_cast<int64_t>(definition_.pieces.size()); }
  std::vector<int32_t> encode(std::string_view text,
                              const EncodeOptions& options = {}) const override;
  std::string_view piece(int32_t id) const override;
  bool is_special(int32_t id) const override;
  int32_t find(std::string_view text) const override;
  int32_t begin_id() const override { return definition_.begin_id; }
  int32_t end_id() const override { return definition_.end_id; }

  const BpeDefinition& definition() const { return definition_; }

 private:
  friend class BpeEncoder;
  void check_ids() const;
  TextRules complete_rules() const;
  // How words and rows of tokens are encoded: here, or by someone who remembers. All append to ids.
  struct Encoders {
    FunctionRef<void(std::string_view word, std::vector<int32_t>& ids)> word;
    FunctionRef<void(std::span<int32_t> row, std::vector<int32_t>& ids)> row;
  };
  // Ids of one stretch of the pre-tokenizer; appends. Exact shortcuts: where two neighbouring
  // characters stand together in no piece, no merge can join them, so the stretch is cut there; the
  // merges of the first stage (those before any that crosses a word's end) are done word by word,
  // the others within rows of tokens that none of them reaches beyond.
  void encode_stretch(std::string_view stretch, const Encoders& encoders,
                      std::vector<int32_t>& ids) const;
  // First-stage ids of a word; appends.
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;
  void encode_with(std::string_view text, const EncodeOptions& options, const Encoders& encoders,
                   std::vector<int32_t>& ids) const;
  // Where encode_stretch() may cut. `made`: the id that each merge makes.
  void find_cuts(std::span<const int32_t> made);
  void find_joinable_pairs(std::span<const int32_t> all_made);
  // Second-stage merges of first-stage tokens; appends.
  void join_words(std::vector<int32_t>& symbols, const Encoders& encoders,
                  std::vector<int32_t>& ids) const;
  void join_row(std::span<int32_t> row, std::vector<int32_t>& ids) const;

  BpeDefinition definition_;
  TextPipeline pipeline_;
  ByteLevelAlphabet alphabet_;
  MergeTable merges_;
  std::array<int32_t, 256> byte_ids_{};
  bool cuts_words_ = false;       // stretches may be cut where no piece joins characters
  int32_t first_stage_ = 0;       // merges of a lower rank stay within words
  AdjacentPairs joined_;          // of all merged pieces
  AdjacentPairs joined_in_word_;  // of those of the first stage
  JoinablePairs joinable_;        // by merges of the second stage
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<bool> special_;
};

// Encodes much text fast by remembering stretches already seen. One per thread; holds at most
// `most_words`.
class BpeEncoder {
 public:
  explicit BpeEncoder(const BpeTokenizer& tokenizer, size_t most_words = size_t{1} << 18)
      : tokenizer_(tokenizer), words_(most_words), rows_(most_words) {}

  // Appends the ids of plain text (no special tokens).
  void encode(std::string_view text, std::vector<int32_t>& ids);

 private:
  void encode_word(std::string_view word, std::vector<int32_t>& ids);
  void join_row(std::span<int32_t> row, std::vector<int32_t>& ids);

  const BpeTokenizer& tokenizer_;
  WordCache words_;
  WordCache rows_;                // by the bytes of their tokens' ids
  std::vector<int32_t> symbols_;  // of the word at hand
};

}  // namespace onmal

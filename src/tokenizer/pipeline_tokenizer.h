#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizer/subword_model.h"
#include "tokenizer/text_pipeline.h"

namespace onmal {

enum class SubwordKind { kScores, kMerges, kUnigram, kWordPiece, kWords };

// A tokenizer of any kind but byte-level BPE (see bpe_tokenizer.h).
struct PipelineDefinition {
  SubwordKind kind = SubwordKind::kScores;
  SubwordDefinition model;
  std::vector<std::string> pieces;  // by id: the bytes it stands for
  TextRules rules;
  Pretokenizer pretokenizer;
  int32_t begin_id = -1;
  int32_t end_id = -1;
  int32_t separator_id = -1;
  int32_t pad_id = -1;
  int32_t mask_id = -1;
  bool add_begin = false;
  bool add_end = false;
  bool add_separator = false;
  bool trim_space = false;  // decoding drops the space that begins the text
  bool clean_up = false;    // and the ones before punctuation (BERT)
  // What the rules were made from, so that they can be written again.
  SpaceOptions spaces;
  std::shared_ptr<const Charsmap> charsmap;
  bool lowercase = false;
  bool strip_accents = false;
  std::string hugging_face_json;  // the tokenizer.json it was read from; "" otherwise
};

class PipelineTokenizer : public Tokenizer {
 public:
  // Throws Error(kBadFile) when the definition contradicts itself.
  explicit PipelineTokenizer(PipelineDefinition definition);

  int64_t vocab_size() const override { return static_cast<int64_t>(definition_.pieces.size()); }
  std::vector<int32_t> encode(std::string_view text,
                              const EncodeOptions& options = {}) const override;
  std::string_view piece(int32_t id) const override;
  bool is_special(int32_t id) const override;
  // Found by its piece or by its text in the file.
  int32_t find(std::string_view text) const override;
  int32_t begin_id() const override { return definition_.begin_id; }
  int32_t end_id() const override { return definition_.end_id; }
  std::string decode(std::span<const int32_t> ids) const override;

  const PipelineDefinition& definition() const { return definition_; }

 private:
  PipelineDefinition definition_;
  TextPipeline pipeline_;
  std::unique_ptr<SubwordModel> model_;
  std::unordered_map<std::string, int32_t> ids_;
};

// Pieces as GGUF and SentencePiece have them: U+2581 is a space, "<0x0A>" a byte.
std::vector<std::string> pieces_of_texts(const std::vector<std::string>& texts,
                                         const std::vector<TokenKind>& kinds);

}  // namespace onmal

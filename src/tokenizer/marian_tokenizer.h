#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/pipeline_tokenizer.h"

namespace onmal {

// How Hugging Face keeps Marian's vocabularies: SentencePiece models cut the text (source.spm), and
// vocab.json gives their pieces the ids that the network knows. A text may begin with the code of a
// target language, ">>fra<<".
class MarianTokenizer : public Tokenizer {
 public:
  // `vocabulary` is the text of vocab.json. Throws Error(kBadFile), naming `where`, when it is
  // malformed or lacks </s> or <unk>.
  MarianTokenizer(std::unique_ptr<PipelineTokenizer> source, std::string_view vocabulary,
                  const std::string& where);

  int64_t vocab_size() const override { return static_cast<int64_t>(pieces_.size()); }
  // add_special puts </s> behind the text.
  std::vector<int32_t> encode(std::string_view text,
                              const EncodeOptions& options = {}) const override;
  std::string_view piece(int32_t id) const override;
  bool is_special(int32_t id) const override;
  int32_t find(std::string_view text) const override;
  int32_t begin_id() const override { return -1; }
  int32_t end_id() const override { return end_id_; }
  std::string decode(std::span<const int32_t> ids) const override;

 private:
  std::unique_ptr<PipelineTokenizer> source_;
  std::unordered_map<std::string, int32_t> ids_;  // by the piece as vocab.json has it
  std::vector<std::string> pieces_;               // by id, with spaces
  int32_t end_id_ = -1, unknown_id_ = -1, pad_id_ = -1;
};

// From a folder with source.spm and vocab.json.
std::unique_ptr<Tokenizer> load_marian_tokenizer(const std::filesystem::path& folder);

}  // namespace onmal

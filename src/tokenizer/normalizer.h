#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/unicode.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/split_step.h"
#include "tokenizer/token_trie.h"

namespace onmal {

// One change of a text before it is cut. Bytes that are not UTF-8 pass as they are, but where a
// step says otherwise.
class NormalizerStep {
 public:
  virtual ~NormalizerStep() = default;
  virtual std::string apply(std::string_view text) const = 0;
};

// Steps applied one after the other.
class Normalizer {
 public:
  void add(std::shared_ptr<const NormalizerStep> step) { steps_.push_back(std::move(step)); }
  bool empty() const { return steps_.empty(); }
  std::string apply(std::string_view text) const {
    std::string result(text);
    for (const auto& step : steps_) result = step->apply(result);
    return result;
  }

 private:
  std::vector<std::shared_ptr<const NormalizerStep>> steps_;
};

struct BertNormalizerOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};

// What SentencePiece does with white space, and llama.cpp in its own way.
struct SpaceOptions {
  bool add_prefix = true;       // a space before the text
  bool remove_extra = true;     // runs become one, those at both ends go
  bool escape = true;           // U+2581 for a space
  bool as_suffix = false;       // the added space goes behind the text
  bool like_llama_cpp = false;  // its order of doing this for unigram models
};

std::shared_ptr<const NormalizerStep> normalize_form(NormalForm form);
std::shared_ptr<const NormalizerStep> normalize_lowercase();
std::shared_ptr<const NormalizerStep> normalize_strip(bool left, bool right);
// Removes marks; decompose first to remove accents.
std::shared_ptr<const NormalizerStep> normalize_strip_accents();
std::shared_ptr<const NormalizerStep> normalize_replace(std::unique_ptr<Matcher> matcher,
                                                        std::string content);
// Puts `content` before a text that is not empty.
std::shared_ptr<const NormalizerStep> normalize_prepend(std::string content);
std::shared_ptr<const NormalizerStep> normalize_bert(BertNormalizerOptions options);
// llama.cpp's preparation for WordPiece: words with single spaces between them.
std::shared_ptr<const NormalizerStep> normalize_llama_cpp_bert(bool strip_accents, bool lower);
// SentencePiece's older cleaning of control characters and odd spaces.
std::shared_ptr<const NormalizerStep> normalize_nmt();
// Writes bytes in GPT-2's alphabet.
std::shared_ptr<const NormalizerStep> normalize_byte_level();
// As Hugging Face applies a precompiled map: grapheme by grapheme.
std::shared_ptr<const NormalizerStep> normalize_charsmap(std::shared_ptr<const Charsmap> charsmap);
// SentencePiece's own normaliser. `charsmap` may be null; strings of `kept` pass unchanged.
std::shared_ptr<const NormalizerStep> normalize_sentencepiece(
    std::shared_ptr<const Charsmap> charsmap, SpaceOptions spaces, TokenTrie kept);
// llama.cpp's for merges by score: a space before every text, U+2581 for each space.
std::shared_ptr<const NormalizerStep> normalize_spaces(bool add_prefix, bool escape = true);

}  // namespace onmal

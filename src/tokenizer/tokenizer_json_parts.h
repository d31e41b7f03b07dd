#pragma once

#include <string>
#include <vector>

#include "tokenizer/json_reading.h"
#include "tokenizer/text_pipeline.h"
#include "tokenizer/token_kind.h"

namespace onmal {

// "added_tokens" of a tokenizer.json.
std::vector<AddedToken> read_json_added_tokens(const json_reading::Json& document,
                                               const std::string& where);

// "post_processor": the tokens around a single text, into prefix and suffix.
void read_json_post_processor(const json_reading::Json& document, TextRules& rules,
                              const std::string& where);

// "decoder", as far as it can be said of each token by itself.
struct JsonDecoder {
  std::vector<std::pair<std::string, std::string>> replacements;
  bool byte_level = false;
  bool byte_fallback = false;
  bool trim_space = false;
  bool word_piece = false;
  bool clean_up = false;
  std::string suffix;  // of the last piece of a word: becomes a space

  // The bytes each token stands for. `texts` as the model has them (for WordPiece marked as GGUF
  // does).
  std::vector<std::string> pieces_of(const std::vector<std::string>& texts,
                                     const std::vector<TokenKind>& kinds) const;
};
JsonDecoder read_json_decoder(const json_reading::Json& document, const std::string& where);

}  // namespace onmal

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/metadata.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

// What GGUF's "tokenizer.*" keys hold.
struct GgufTokenizer {
  std::shared_ptr<const Tokenizer> tokenizer;  // null when the file has none
  std::string chat_template;                   // Jinja source; "" when there is none
  std::vector<int32_t> end_ids;                // tokens that end an answer
};

// Understands tokenizer.ggml.model "gpt2" (byte-level BPE), "llama" (SentencePiece's BPE), "t5"
// (unigram), "bert" (WordPiece) and "gemma4", with llama.cpp's meaning of every key; a
// tokenizer.huggingface.json goes before them. Throws Error(kUnsupported) naming any other kind,
// Error(kBadFile) when the keys contradict each other.
GgufTokenizer read_gguf_tokenizer(const Metadata& metadata);

// The inverse, as llama.cpp wants it; where its keys cannot say all, with the tokenizer.json that
// the tokenizer was read from. Throws Error(kUnsupported) for a tokenizer that no file describes.
void write_gguf_tokenizer(const Tokenizer& tokenizer, const std::string& chat_template,
                          std::span<const int32_t> end_ids, Metadata& metadata);

}  // namespace onmal

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "tokenizer/tokenizer.h"

namespace onmal {

// SentencePiece's tokenizer.model (a protocol buffer, sentencepiece_model.proto): unigram, bpe,
// word and char models, with its normaliser and its meaning of every kind of piece. Throws
// Error(kBadFile) where it is malformed.
std::unique_ptr<Tokenizer> parse_sentencepiece(std::string_view bytes, const std::string& where);
// Also what the files beside it in a Hugging Face folder add (folder_tokens.h).
std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& path);

}  // namespace onmal
